import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maxKeySetBytes } from '../../src/identity/jwks-url.ts';
import { createKeySource, type KeyOptions, keyFaults, keyTimeLimits } from '../../src/identity/keys.ts';
import type { KeySource } from '../../src/identity/refreshing-keys.ts';
import { createTokenVerifier, type TokenVerifier } from '../../src/identity/token.ts';
import { createFakeClock, type FakeClock } from '../kit/fake-clock.ts';
import { audience, createIssuerKey, type IssuerKey, issuer, jwkSet, outcomeOf, signToken } from './issuer.ts';
import { type JwksServer, startJwksServer } from './jwks-server.ts';

const first = createIssuerKey('first');
const second = createIssuerKey('second', 'ES256');
const seconds = 1000;
const hours = 3600 * seconds;

interface LogLine {
  readonly keys: string;
  readonly fault: string;
}

let clock: FakeClock;
let server: JwksServer;
let keys: KeySource;
let verifier: TokenVerifier;
let logged: LogLine[];

const log = {
  info: () => {},
  warn: () => {},
  error: (line: LogLine) => {
    logged.push(line);
  },
};

function open(options: KeyOptions): void {
  keys = createKeySource(options, { clock, production: false, log });
  verifier = createTokenVerifier({ issuer, audience }, { clock, keys });
}

const sign = (key: IssuerKey, jti = 'a') => signToken(key, clock, { claims: { jti } });
const outcome = async (key: IssuerKey, jti = 'a') => outcomeOf(verifier, await sign(key, jti));

/** Waits for a read that runs in the background; `trusts` joins none, so `find` for a made-up id is asked. */
const settleRead = async () => {
  await keys.find('RS256', 'made-up');
};

beforeEach(async () => {
  clock = createFakeClock();
  logged = [];
  server = await startJwksServer();
  open({ kind: 'url', url: server.url, allowHttp: true });
});

afterEach(async () => {
  keys.close();
  await server.close();
});

describe('createKeySource() with a URL', () => {
  it('reads the set once when many tokens come at one time, and not again while it is fresh', async () => {
    server.serve(jwkSet(first, second));
    const tokens = await Promise.all(
      Array.from({ length: 50 }, (_, at) => sign(at % 2 ? first : second, `${at}`)),
    );
    const outcomes = await Promise.all(tokens.map((token) => outcomeOf(verifier, token)));
    expect(new Set(outcomes)).toEqual(new Set(['accepted']));
    expect(clock.pendingTimers).toBe(0);
    clock.advance(30 * seconds - 1);
    expect(await outcome(first, 'later')).toBe('accepted');
    expect(server.requests()).toBe(1);
  });

  it('reads again in the background from 30 s on, without anybody waiting', async () => {
    server.serve(jwkSet(first));
    await outcome(first);
    server.answer(() => {});
    clock.advance(30 * seconds);
    expect(await outcome(first, 'b')).toBe('accepted');
    await server.requested(2);
    expect(await outcome(first, 'c')).toBe('accepted');
    expect(server.requests()).toBe(2);
  });

  it('94: makes at most one request per 30 s when a thousand made-up key ids come', async () => {
    server.serve(jwkSet(first));
    await outcome(first);
    const flood = async () => {
      const tokens = await Promise.all(
        Array.from({ length: 1000 }, (_, at) =>
          signToken(first, clock, { header: { kid: `made-up-${at}` } }),
        ),
      );
      const outcomes = await Promise.all(tokens.map((token) => outcomeOf(verifier, token)));
      expect(new Set(outcomes)).toEqual(new Set(['UNAUTHENTICATED UNKNOWN_KEY']));
    };
    await flood();
    clock.advance(30 * seconds - 1);
    await flood();
    expect(server.requests()).toBe(1);
    clock.advance(1);
    await flood();
    expect(server.requests()).toBe(2);
  });

  it('finds a new key at once when a token names it after the cooldown', async () => {
    server.serve(jwkSet(first));
    await outcome(first);
    server.serve(jwkSet(first, second));
    expect(await outcome(second)).toBe('UNAUTHENTICATED UNKNOWN_KEY');
    clock.advance(30 * seconds);
    expect(await outcome(second)).toBe('accepted');
  });

  it('102: refuses none of 10,000 tokens while keys rotate with overlap', async () => {
    const pool = await Promise.all(
      Array.from({ length: 250 }, (_, at) => Promise.all([sign(first, `${at}`), sign(second, `${at}`)])),
    );
    const refused: string[] = [];
    const send = async (count: number, which: (at: number) => 0 | 1) => {
      for (let at = 0; at < count; at += 1) {
        const pair = pool[at % pool.length];
        const result = await outcomeOf(verifier, pair?.[which(at)] ?? '');
        if (result !== 'accepted') refused.push(result);
        clock.advance(10);
        await setImmediate(); // lets a read in the background go on
      }
    };
    server.serve(jwkSet(first));
    await send(2_500, () => 0);
    server.serve(jwkSet(first, second)); // published before it is used ...
    await send(3_500, () => 0);
    await send(2_000, (at) => (at % 2 === 0 ? 0 : 1)); // ... both in use ...
    server.serve(jwkSet(second)); // ... and the old one removed once nobody signs with it
    await send(2_000, () => 1);
    expect(refused).toEqual([]);
    expect(server.requests()).toBeLessThanOrEqual(4);
  });

  it('102: refuses a removed key from 60 s on, even for a token that was verified before', async () => {
    server.serve(jwkSet(first, second));
    const token = await sign(first);
    expect(await outcomeOf(verifier, token)).toBe('accepted');
    server.serve(jwkSet(second));
    clock.advance(30 * seconds - 1);
    expect(await outcomeOf(verifier, token)).toBe('accepted'); // negative control: the cache holds it
    clock.advance(30 * seconds + 1);
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED UNKNOWN_KEY');
    expect(await outcome(second)).toBe('accepted');
  });

  it('refuses a removed key as soon as a read in the background has seen it', async () => {
    server.serve(jwkSet(first, second));
    const token = await sign(first);
    await outcomeOf(verifier, token);
    server.serve(jwkSet(second));
    clock.advance(30 * seconds);
    expect(await outcomeOf(verifier, token)).toBe('accepted');
    await settleRead();
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED UNKNOWN_KEY');
  });

  it('refuses another key under the id of a removed one', async () => {
    const impostor = createIssuerKey('first');
    server.serve(jwkSet(first));
    const token = await sign(first);
    await outcomeOf(verifier, token);
    server.serve(jwkSet(impostor));
    clock.advance(60 * seconds);
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED SIGNATURE');
    expect(await outcome(impostor)).toBe('accepted');
  });
});

/** Everything that a key host may answer but must not: T101. */
const misdeeds: readonly (readonly [string, RegExp, Parameters<JwksServer['answer']>[0]])[] = [
  ['status 500', /status 200, got 500/, (_request, response) => response.writeHead(500).end()],
  ['nothing (404)', /status 200, got 404/, (_request, response) => response.writeHead(404).end()],
  [
    'a redirect',
    /status 200, got 302/,
    (request, response) =>
      response.writeHead(302, { location: `http://${request.headers.host}/elsewhere` }).end(),
  ],
  ['HTML', /content type/, (_request, response) => sendAs(response, 'text/html', '<html>canary</html>')],
  ['no type', /content type/, (_request, response) => response.writeHead(200).end(jwkSet(first))],
  ['HTML as JSON', /not a JWK Set/, (_request, response) => sendJson(response, '<html>canary</html>')],
  ['a list', /not a JWK Set/, (_request, response) => sendJson(response, '[]')],
  ['no keys', /none of its 0 keys/, (_request, response) => sendJson(response, '{"keys":[]}')],
  [
    'no usable key',
    /none of its 1 keys/,
    (_request, response) => sendJson(response, '{"keys":[{"kty":"EC"}]}'),
  ],
  ['101 keys', /101 keys/, (_request, response) => sendJson(response, `{"keys":[${Array(101).fill('{}')}]}`)],
  ['bytes that are not UTF-8', /./, (_request, response) => sendJson(response, Uint8Array.of(0xff, 0xfe))],
  [
    'a private key',
    /private or symmetric/,
    (_request, response) =>
      sendJson(response, jwkSet(first, { jwk: { ...first.privateKey.export({ format: 'jwk' }) } })),
  ],
  [
    'a symmetric key',
    /private or symmetric/,
    (_request, response) =>
      sendJson(response, jwkSet(first, { jwk: { kty: 'oct', k: 'Y2FuYXJ5', kid: 'x' } })),
  ],
  [
    'one key id twice',
    /same key id/,
    (_request, response) => sendJson(response, jwkSet(first, createIssuerKey('first'))),
  ],
  ['a connection that breaks', /connection failed/, (request) => request.socket.destroy()],
  [
    'a body that breaks off',
    /./,
    (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"keys":', () => request.socket.destroy());
    },
  ],
  [
    '50 MB',
    /larger than 262144 bytes/,
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      pour(response, 50 * 1024 * 1024);
    },
  ],
  [
    '50 MB in a small gzip',
    /larger than 262144 bytes/,
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(Buffer.alloc(50 * 1024 * 1024)));
    },
  ],
];

type Response = Parameters<Parameters<JwksServer['answer']>[0]>[1];

function sendAs(response: Response, type: string, body: string | Uint8Array): void {
  response.writeHead(200, { 'content-type': type }).end(body);
}

function sendJson(response: Response, body: string | Uint8Array): void {
  sendAs(response, 'application/json; charset=utf-8', body);
}

/** Writes as fast as the reader takes it; stops when the reader goes. */
function pour(response: Response, bytes: number): void {
  const chunk = Buffer.alloc(64 * 1024, ' ');
  let left = bytes;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.byteLength;
      if (!response.write(chunk)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}

describe('101: createKeySource() when the key host misbehaves', () => {
  it.each(misdeeds)('is unavailable when it has no keys yet and gets %s', async (_name, fault, handler) => {
    server.answer(handler);
    expect(await outcome(first)).toBe('UPSTREAM_UNAVAILABLE KEYS_UNAVAILABLE');
    expect(await keys.ready()).toMatch(fault);
    expect(logged).toHaveLength(1);
    expect(logged[0]?.fault).toMatch(fault);
    expect(JSON.stringify(logged)).not.toContain('canary');
    expect(server.requests()).toBe(1);
  });

  it.each(misdeeds)('goes on with the last good keys when it gets %s', async (_name, fault, handler) => {
    server.serve(jwkSet(first));
    const token = await sign(first);
    expect(await outcomeOf(verifier, token)).toBe('accepted');
    server.answer(handler);
    clock.advance(60 * seconds);
    expect(await outcomeOf(verifier, token)).toBe('accepted');
    expect(await outcome(first, 'b')).toBe('accepted');
    expect(logged).toHaveLength(1);
    expect(logged[0]?.fault).toMatch(fault);
    expect(server.requests()).toBe(2);
  });

  it('gives up a host that never answers after 5 s, and all who wait get their answer then', async () => {
    server.answer(() => {});
    // Signed before: one that came after the 5 s would begin another read.
    const tokens = await Promise.all(['a', 'b', 'c'].map((jti) => sign(first, jti)));
    const waiting = Promise.all(tokens.map((token) => outcomeOf(verifier, token)));
    await server.requested(1);
    clock.advance(5 * seconds - 1);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    const unavailable = 'UPSTREAM_UNAVAILABLE KEYS_UNAVAILABLE';
    expect(await waiting).toEqual([unavailable, unavailable, unavailable]);
    expect(server.requests()).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives up a host that starts its answer and stops, after 5 s', async () => {
    server.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"keys":[');
    });
    const waiting = outcome(first);
    await server.requested(1);
    clock.advance(5 * seconds);
    expect(await waiting).toBe('UPSTREAM_UNAVAILABLE KEYS_UNAVAILABLE');
  });

  it('asks again after 5 s while it has no keys at all', async () => {
    expect(await outcome(first)).toBe('UPSTREAM_UNAVAILABLE KEYS_UNAVAILABLE');
    server.serve(jwkSet(first));
    clock.advance(5 * seconds - 1);
    expect(await outcome(first)).toBe('UPSTREAM_UNAVAILABLE KEYS_UNAVAILABLE');
    clock.advance(1);
    expect(await outcome(first)).toBe('accepted');
    expect(await keys.ready()).toBeNull();
  });

  it('keeps old keys below 24 h and not at 24 h when the host stays down', async () => {
    server.serve(jwkSet(first));
    await outcome(first);
    await server.close();
    clock.advance(24 * hours - 1);
    expect(await outcome(first, 'day')).toBe('accepted');
    clock.advance(1);
    expect(await outcome(first, 'next day')).toBe('UPSTREAM_UNAVAILABLE KEYS_UNAVAILABLE');
    server = await startJwksServer();
  });

  it('asks a host that is down once per 30 s, not once per token', async () => {
    server.serve(jwkSet(first));
    await outcome(first);
    server.answer((_request, response) => response.writeHead(503).end());
    clock.advance(60 * seconds);
    for (let at = 0; at < 20; at += 1) expect(await outcome(first, `${at}`)).toBe('accepted');
    expect(server.requests()).toBe(2);
    clock.advance(30 * seconds);
    await outcome(first, 'x');
    await settleRead();
    expect(server.requests()).toBe(3);
    expect(logged).toHaveLength(2);
  });

  it('takes the largest set that fits and refuses one byte more', async () => {
    const padded = (bytes: number) => jwkSet(first).padEnd(bytes, ' ');
    server.serve(padded(maxKeySetBytes));
    expect(await outcome(first)).toBe('accepted');
    clock.advance(60 * seconds);
    server.serve(padded(maxKeySetBytes + 1));
    await outcome(first);
    expect(logged).toMatchObject([{ fault: expect.stringContaining('larger') }]);
  });

  it('logs the address without its query', async () => {
    await outcome(first);
    expect(logged).toMatchObject([{ keys: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/keys$/) }]);
  });

  it('ends the read and starts no other when it is closed', async () => {
    server.answer(() => {});
    const waiting = outcome(first);
    await server.requested(1);
    keys.close();
    expect(await waiting).toBe('UPSTREAM_UNAVAILABLE KEYS_UNAVAILABLE');
    clock.advance(60 * seconds);
    expect(await outcome(first)).toBe('UPSTREAM_UNAVAILABLE KEYS_UNAVAILABLE');
    expect(server.requests()).toBe(1);
    expect(clock.pendingTimers).toBe(0);
    expect(logged).toEqual([]);
  });
});

describe('createKeySource() with a file', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-keys-'));
    path = join(folder, 'keys');
    keys.close();
    open({ kind: 'file', path });
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('reads a JWK Set, and reads it again when it changed', async () => {
    await writeFile(path, jwkSet(first));
    expect(await outcome(first)).toBe('accepted');
    await writeFile(path, jwkSet(second));
    clock.advance(10 * seconds);
    expect(await outcome(first)).toBe('UNAUTHENTICATED UNKNOWN_KEY');
    expect(await outcome(second)).toBe('accepted');
  });

  it('reads PEM, one block or several, whatever key id a token names', async () => {
    const pems = [first, second].map(({ publicKey }) => publicKey.export({ format: 'pem', type: 'spki' }));
    await writeFile(path, pems.join('\n'));
    expect(await outcome(first)).toBe('accepted');
    expect(await outcome(second)).toBe('accepted');
    expect(await outcome(createIssuerKey('first'))).toBe('UNAUTHENTICATED SIGNATURE');
  });

  it('keeps the last good keys when the file is spoilt or gone, and logs it', async () => {
    await writeFile(path, jwkSet(first));
    await outcome(first);
    await writeFile(path, 'canary');
    clock.advance(10 * seconds);
    expect(await outcome(first, 'b')).toBe('accepted');
    await rm(path);
    clock.advance(10 * seconds);
    expect(await outcome(first, 'c')).toBe('accepted');
    expect(logged).toHaveLength(2);
    expect(JSON.stringify(logged)).not.toContain('canary');
  });

  it('says why there are no keys when the file is not there or too large', async () => {
    expect(await keys.ready()).toContain('ENOENT');
    clock.advance(5 * seconds);
    await writeFile(path, ' '.repeat(maxKeySetBytes + 1));
    expect(await keys.ready()).toContain('larger than');
  });

  it('says why there are no keys when the path is a folder', async () => {
    keys.close();
    open({ kind: 'file', path: folder });
    expect(await keys.ready()).toContain('plain file');
  });
});

describe('createKeySource() for development', () => {
  it('148: throws in production, naming the option', () => {
    const parts = { clock, production: true };
    expect(() => createKeySource({ kind: 'development' }, parts)).toThrow(/keys\.kind/);
    expect(() => createKeySource({ kind: 'url', url: server.url, allowHttp: true }, parts)).toThrow(
      /keys\.url/,
    );
  });
});

describe('keyFaults()', () => {
  const url = (text: string, more: object = {}) => ({ kind: 'url' as const, url: text, ...more });

  it.each([
    ['https', url('https://issuer.example/keys'), true, 0],
    ['http in production', url('http://issuer.example/keys'), true, 1],
    ['http in production though allowed', url('http://issuer.example/keys', { allowHttp: true }), true, 1],
    ['http', url('http://issuer.example/keys'), false, 1],
    ['http that is allowed', url('http://issuer.example/keys', { allowHttp: true }), false, 0],
    ['another scheme', url('file:///etc/passwd', { allowHttp: true }), false, 1],
    ['no URL', url('issuer.example'), false, 1],
    ['a password', url('https://user:canary@issuer.example/'), false, 1],
    ['a maximal age below the cooldown', url('https://issuer.example/', { maxAgeMs: 29_999 }), true, 1],
    ['a maximal age of the cooldown', url('https://issuer.example/', { maxAgeMs: 30_000 }), true, 0],
    ['a file', { kind: 'file' as const, path: 'keys.json' }, true, 0],
    ['a file without a name', { kind: 'file' as const, path: '' }, true, 1],
    ['development', { kind: 'development' as const }, false, 0],
    ['development in production', { kind: 'development' as const }, true, 1],
  ])('counts the faults when the options are %s', (_name, options, production, count) => {
    const faults = keyFaults(options, production);
    expect(faults).toHaveLength(count);
    expect(faults.join()).not.toContain('canary');
  });

  it('names each time that is out of bounds', () => {
    for (const [name, { min, max }] of Object.entries(keyTimeLimits)) {
      const faults = (value: number) => keyFaults(url('https://issuer.example/', { [name]: value }), true);
      for (const value of [min - 1, max + 1, min + 0.5])
        expect(faults(value)).toContainEqual(expect.stringContaining(`keys.${name}`));
    }
  });
});
