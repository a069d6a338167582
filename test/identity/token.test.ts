import { createHmac, generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { CompactEncrypt, compactVerify, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { createTokenVerifier } from '../../src/identity/token.ts';
import { tokenLimits } from '../../src/identity/token-options.ts';
import {
  audience,
  createBench,
  createIssuerKey,
  encodeJson,
  encodeText,
  issuer,
  outcomeOf,
  signToken,
} from './issuer.ts';

const ed = createIssuerKey('ed-1');
const ec = createIssuerKey('ec-1', 'ES256');
const rsa = createIssuerKey('rsa-1', 'RS256');
const stranger = createIssuerKey('ed-1');

const hour = 3600;

describe('verify()', () => {
  it.each([
    ['EdDSA', ed],
    ['ES256', ec],
    ['RS256', rsa],
  ])('gives the principal when a token is signed with %s', async (_name, key) => {
    const { clock, verifier } = createBench([ed, ec, rsa]);
    const claims = { tenant: 'north', client_id: 'web', scope: 'things:read things:write' };
    const principal = await verifier.verify(await signToken(key, clock, { claims }));
    expect(principal).toMatchObject({
      kind: 'user',
      subject: 'user-1',
      tenant: 'north',
      client: 'web',
      scopes: new Set(['things:read', 'things:write']),
      issuedAtMs: clock.wallMs(),
      expiresAtMs: clock.wallMs() + hour * 1000 + 30_000,
      network: null,
    });
  });

  it('accepts both names of the Ed25519 algorithm when the key names one of them', async () => {
    const { clock, verifier } = createBench([ed]);
    const token = await signToken(ed, clock, { header: { alg: 'Ed25519' } });
    expect(await outcomeOf(verifier, token)).toBe('accepted');
  });

  it('answers at once with the same frozen principal when the token was verified before', async () => {
    const { clock, verifier } = createBench([ed]);
    const token = await signToken(ed, clock);
    const first = verifier.verify(token);
    expect(first).toBeInstanceOf(Promise);
    const principal = await first;
    expect(verifier.verify(token)).toBe(principal);
    expect(Object.isFrozen(principal)).toBe(true);
  });

  it('never holds the token in the principal', async () => {
    const { clock, verifier } = createBench([ed]);
    const token = await signToken(ed, clock);
    const text = JSON.stringify(await verifier.verify(token));
    for (const part of token.split('.')) expect(text).not.toContain(part);
  });
});

describe('verify() refuses by algorithm', () => {
  const claimsOf = (token: string) => token.split('.')[1] ?? '';

  it.each(['none', 'nOnE', 'NONE', '', 'HS256', 'PS256', 'ES384', 'RS512', 'ML-DSA-44'])(
    '92: with ALGORITHM when alg is "%s"',
    async (alg) => {
      const { clock, verifier } = createBench([ed, ec, rsa]);
      const claims = claimsOf(await signToken(ed, clock));
      for (const signature of ['', encodeText('x'.repeat(64))]) {
        const token = `${encodeJson({ alg, kid: 'ed-1', typ: 'at+jwt' })}.${claims}.${signature}`;
        expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED ALGORITHM');
      }
    },
  );

  it('with ALGORITHM when alg is absent, null or a list', async () => {
    const { clock, verifier } = createBench([ed]);
    const claims = claimsOf(await signToken(ed, clock));
    for (const header of [{}, { alg: null }, { alg: ['EdDSA'] }, { alg: { toString: 'EdDSA' } }]) {
      const token = `${encodeJson(header)}.${claims}.AA`;
      expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED ALGORITHM');
    }
  });

  it('93: with ALGORITHM when the public RSA key serves as HS256 secret', async () => {
    const { clock, verifier } = createBench([rsa]);
    const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' });
    const head = encodeJson({ alg: 'HS256', kid: 'rsa-1', typ: 'at+jwt' });
    const input = `${head}.${claimsOf(await signToken(rsa, clock))}`;
    const token = `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`;
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED ALGORITHM');
    // Negative control: the forgery is a good one for a verifier that takes the token's word for the algorithm.
    await expect(compactVerify(token, Buffer.from(pem))).resolves.toBeDefined();
  });

  it('with UNKNOWN_KEY when the key of that id is for another algorithm', async () => {
    const { clock, verifier } = createBench([ed, rsa]);
    const token = await signToken(rsa, clock, { header: { kid: 'ed-1' } });
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED UNKNOWN_KEY');
  });

  it('with ALGORITHM when the operator does not allow a known one', async () => {
    const { clock, verifier } = createBench([ed, rsa], { algorithms: ['ES256'] });
    expect(await outcomeOf(verifier, await signToken(rsa, clock))).toBe('UNAUTHENTICATED ALGORITHM');
  });
});

describe('verify() refuses by key', () => {
  it('with SIGNATURE when another key has the same id', async () => {
    const { clock, verifier } = createBench([ed]);
    expect(await outcomeOf(verifier, await signToken(stranger, clock))).toBe('UNAUTHENTICATED SIGNATURE');
  });

  it('121: when the token brings its own key (jwk) or the address of one (jku, x5u)', async () => {
    const { clock, verifier } = createBench([ed]);
    const jwk = stranger.publicKey.export({ format: 'jwk' });
    for (const own of [
      { jwk },
      { jku: 'https://attacker.example/keys' },
      { x5u: 'https://attacker.example/c' },
    ]) {
      const token = await signToken(stranger, clock, { header: own });
      expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED SIGNATURE');
    }
  });

  it('94: without a look at the keys when the kid is none', async () => {
    const clock = createBench([ed]).clock;
    const keys = {
      find: () => Promise.reject(new Error('looked up')),
      trusts: () => false,
      ready: async () => null,
      close: () => {},
    };
    const verifier = createTokenVerifier({ issuer, audience, maxTokenBytes: 65_536 }, { clock, keys });
    const bad = [
      "' OR 1=1 --",
      'a b',
      '',
      'x'.repeat(129),
      'x'.repeat(40_000),
      'k\u0000',
      'ключ',
      7,
      null,
      ['ed-1'],
      {},
    ];
    for (const kid of bad) {
      const token = `${encodeJson({ alg: 'EdDSA', kid })}.e30.AA`;
      if (kid === null) await expect(verifier.verify(token)).rejects.toThrow('looked up');
      else expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED MALFORMED');
    }
  });

  it('with UNKNOWN_KEY when the kid is a path', async () => {
    const { clock, verifier } = createBench([ed]);
    const token = await signToken(ed, clock, { header: { kid: '../../etc/passwd' } });
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED UNKNOWN_KEY');
  });

  it('accepts a token without a kid when few keys fit, and refuses it when five do', async () => {
    const many = ['a', 'b', 'c', 'd', 'e'].map((kid) => createIssuerKey(kid));
    const [first] = many;
    if (first === undefined) throw new Error('no key');
    for (const [count, outcome] of [
      [1, 'accepted'],
      [4, 'accepted'],
      [5, 'UNAUTHENTICATED UNKNOWN_KEY'],
    ] as const) {
      const { clock, verifier } = createBench(many.slice(0, count).reverse());
      const token = await signToken(first, clock, { header: { kid: undefined } });
      expect(await outcomeOf(verifier, token)).toBe(outcome);
    }
  });
});

describe('96, 97, 99: verify() refuses by claim', () => {
  const now = (clock: { wallMs: () => number }) => Math.floor(clock.wallMs() / 1000);
  type Claims = Readonly<Record<string, unknown>>;
  const many = (count: number) => Array.from({ length: count }, (_, at) => `s${at}`).join(' ');
  const long = (length: number) =>
    [...Array<string>(15).fill('s'.repeat(127)), 's'.repeat(64), 's'.repeat(length - 1985)].join(' ');
  const cases: readonly (readonly [string, string, (seconds: number) => Claims])[] = [
    ['accepted', 'aud holds ours among others', () => ({ aud: ['other', audience] })],
    ['UNAUTHENTICATED WRONG_AUDIENCE', 'aud is another', () => ({ aud: 'other' })],
    ['UNAUTHENTICATED WRONG_AUDIENCE', 'aud is a list of others', () => ({ aud: ['weir-2', 'wei'] })],
    ['UNAUTHENTICATED WRONG_AUDIENCE', 'aud is an object', () => ({ aud: { weir: true } })],
    ['UNAUTHENTICATED CLAIMS', 'aud is absent', () => ({ aud: undefined })],
    ['UNAUTHENTICATED WRONG_ISSUER', 'iss is another', () => ({ iss: `${issuer}/` })],
    ['UNAUTHENTICATED WRONG_ISSUER', 'iss is a list with ours', () => ({ iss: [issuer] })],
    ['UNAUTHENTICATED CLAIMS', 'iss is absent', () => ({ iss: undefined })],
    ['UNAUTHENTICATED CLAIMS', 'exp is absent', () => ({ exp: undefined })],
    ['UNAUTHENTICATED CLAIMS', 'exp is a string', (seconds) => ({ exp: String(seconds + 60) })],
    ['UNAUTHENTICATED CLAIMS', 'exp is in the year 9999', () => ({ exp: 253_402_300_799 })],
    ['UNAUTHENTICATED CLAIMS', 'the life is 1 s too long', (seconds) => ({ exp: seconds + hour + 1 })],
    ['UNAUTHENTICATED CLAIMS', 'iat is absent', () => ({ iat: undefined })],
    ['UNAUTHENTICATED CLAIMS', 'iat is a string', (seconds) => ({ iat: String(seconds) })],
    ['accepted', 'exp was 29 s ago', (seconds) => ({ iat: seconds - 60, exp: seconds - 29 })],
    ['UNAUTHENTICATED EXPIRED', 'exp was 30 s ago', (seconds) => ({ iat: seconds - 60, exp: seconds - 30 })],
    ['UNAUTHENTICATED EXPIRED', 'exp was 31 s ago', (seconds) => ({ iat: seconds - 60, exp: seconds - 31 })],
    ['UNAUTHENTICATED EXPIRED', 'exp is negative', () => ({ iat: -60, exp: -1 })],
    [
      'UNAUTHENTICATED EXPIRED',
      'iat is older than the longest life',
      (s) => ({ iat: s - hour - 31, exp: s + 60 }),
    ],
    ['accepted', 'iat is 30 s ahead', (seconds) => ({ iat: seconds + 30, exp: seconds + 60 })],
    ['UNAUTHENTICATED NOT_YET_VALID', 'iat is 31 s ahead', (s) => ({ iat: s + 31, exp: s + 60 })],
    ['accepted', 'nbf is 30 s ahead', (seconds) => ({ nbf: seconds + 30 })],
    ['UNAUTHENTICATED NOT_YET_VALID', 'nbf is 31 s ahead', (seconds) => ({ nbf: seconds + 31 })],
    ['UNAUTHENTICATED CLAIMS', 'nbf is a string', () => ({ nbf: 'now' })],
    ['UNAUTHENTICATED CLAIMS', 'sub is absent', () => ({ sub: undefined })],
    ['UNAUTHENTICATED CLAIMS', 'sub is a number', () => ({ sub: 1 })],
    ['UNAUTHENTICATED CLAIMS', 'sub is a list', () => ({ sub: ['user-1'] })],
    ['UNAUTHENTICATED CLAIMS', 'sub is null', () => ({ sub: null })],
    ['UNAUTHENTICATED CLAIMS', 'sub is empty', () => ({ sub: '' })],
    ['UNAUTHENTICATED CLAIMS', 'sub holds a line break', () => ({ sub: 'user-1\r\nx-weir-scopes: all' })],
    ['UNAUTHENTICATED CLAIMS', 'sub holds half a character', () => ({ sub: 'user-\ud800' })],
    ['accepted', 'sub has 512 characters', () => ({ sub: 'u'.repeat(512) })],
    ['UNAUTHENTICATED CLAIMS', 'sub has 513 characters', () => ({ sub: 'u'.repeat(513) })],
    ['accepted', 'sub has 512 characters encoded', () => ({ sub: `${'é'.repeat(85)}uu` })],
    ['UNAUTHENTICATED CLAIMS', 'sub has 513 characters encoded', () => ({ sub: `${'é'.repeat(85)}uuu` })],
    ['UNAUTHENTICATED CLAIMS', 'tenant is a number', () => ({ tenant: 7 })],
    ['UNAUTHENTICATED CLAIMS', 'client_id is an object', () => ({ client_id: {} })],
    ['accepted', 'scope is a list', () => ({ scope: ['things:read'] })],
    ['accepted', 'scp is a text', () => ({ scope: undefined, scp: 'things:read' })],
    ['accepted', 'scope is empty', () => ({ scope: '' })],
    ['accepted', 'there are 100 scopes', () => ({ scope: many(100) })],
    ['UNAUTHENTICATED CLAIMS', 'there are 101 scopes', () => ({ scope: many(101) })],
    ['accepted', 'a scope has 128 characters', () => ({ scope: 's'.repeat(128) })],
    ['UNAUTHENTICATED CLAIMS', 'a scope has 129 characters', () => ({ scope: 's'.repeat(129) })],
    ['accepted', 'all scopes have 2,048 characters', () => ({ scope: long(2_048) })],
    ['UNAUTHENTICATED CLAIMS', 'all scopes have 2,049 characters', () => ({ scope: long(2_049) })],
    ['UNAUTHENTICATED CLAIMS', 'scope is null', () => ({ scope: null })],
    ['UNAUTHENTICATED CLAIMS', 'scope holds a line break', () => ({ scope: 'a\nb' })],
    ['UNAUTHENTICATED CLAIMS', 'scope has two spaces in a row', () => ({ scope: 'a  b' })],
    ['UNAUTHENTICATED CLAIMS', 'scope holds a quote', () => ({ scope: 'a"b' })],
    ['UNAUTHENTICATED CLAIMS', 'scope and scp are both there', () => ({ scope: 'a', scp: ['a'] })],
    ['UNAUTHENTICATED CLAIMS', 'scp is null', () => ({ scope: undefined, scp: null })],
    ['UNAUTHENTICATED CLAIMS', 'scp is an object', () => ({ scope: undefined, scp: { a: true } })],
    ['UNAUTHENTICATED CLAIMS', 'scp holds a number', () => ({ scope: undefined, scp: ['a', 1] })],
  ];

  it.each(cases)('%s when %s', async (outcome, _name, change) => {
    const { clock, verifier } = createBench([ed]);
    const token = await signToken(ed, clock, { claims: change(now(clock)) });
    expect(await outcomeOf(verifier, token)).toBe(outcome);
  });

  it.each([
    ['JWT', undefined],
    ['an ID token type', 'id+jwt'],
    ['a list', ['at+jwt']],
    ['absent', null],
  ])('96: with WRONG_TYPE when typ is %s', async (name, typ) => {
    const { clock, verifier } = createBench([ed]);
    const header = { typ: name === 'JWT' ? 'JWT' : (typ ?? undefined) };
    const token = await signToken(ed, clock, { header });
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED WRONG_TYPE');
  });

  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt'])('accepts the type when it is spelt %s', async (typ) => {
    const { clock, verifier } = createBench([ed]);
    expect(await outcomeOf(verifier, await signToken(ed, clock, { header: { typ } }))).toBe('accepted');
  });

  it('accepts JWT, and no longer at+jwt, when the type option says so', async () => {
    const { clock, verifier } = createBench([ed], { type: 'JWT' });
    expect(await outcomeOf(verifier, await signToken(ed, clock, { header: { typ: 'JWT' } }))).toBe(
      'accepted',
    );
    expect(await outcomeOf(verifier, await signToken(ed, clock))).toBe('UNAUTHENTICATED WRONG_TYPE');
  });
});

describe('verify() refuses by form', () => {
  it('at, but not below, one byte past the size cap, before anything is read', async () => {
    const { clock, verifier } = createBench([ed]);
    const token = await signToken(ed, clock);
    const limit = token.length;
    const outcomes = await Promise.all(
      [limit - 1, limit, limit + 1].map((maxTokenBytes) =>
        outcomeOf(createBench([ed], { maxTokenBytes }).verifier, token),
      ),
    );
    expect(outcomes).toEqual(['UNAUTHENTICATED TOO_LARGE', 'accepted', 'accepted']);
    const big = { default: tokenLimits.maxTokenBytes.default };
    expect(await outcomeOf(verifier, 'x'.repeat(big.default + 1))).toBe('UNAUTHENTICATED TOO_LARGE');
    expect(await outcomeOf(verifier, 'x'.repeat(big.default))).toBe('UNAUTHENTICATED MALFORMED');
    expect(await outcomeOf(verifier, 'x'.repeat(20_000_000))).toBe('UNAUTHENTICATED TOO_LARGE');
  });

  it('98: with MALFORMED when the token is a JWE, whatever its p2c or zip', async () => {
    const { verifier } = createBench([ed]);
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwe = await new CompactEncrypt(Buffer.from('{}'))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
      .encrypt(publicKey);
    const bomb = `${encodeJson({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2 ** 31 })}.AA.AA.AA.AA`;
    for (const token of [jwe, bomb])
      expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED MALFORMED');
  });

  it.each([
    ['empty', ''],
    ['two parts', 'e30.e30'],
    ['four parts', 'e30.e30.e30.e30'],
    ['an empty header', '.e30.AA'],
    ['an empty payload', 'e30..AA'],
    ['padding', 'e30=.e30.AA'],
    ['a space', 'e30.e30.AA '],
    ['a line break', 'e30.e30.AA\n'],
    ['other alphabets', 'e30.e30.éé'],
    ['a header that is no JSON', `${encodeText('{')}.e30.AA`],
    ['a header that is a list', `${encodeText('[]')}.e30.AA`],
    ['a header that is null', `${encodeText('null')}.e30.AA`],
    ['a deep header', `${encodeText('['.repeat(3000) + ']'.repeat(3000))}.e30.AA`],
    ['a member twice in the header', `${encodeText('{"alg":"EdDSA","alg":"EdDSA"}')}.e30.AA`],
  ])('with MALFORMED when the token has %s', async (_name, token) => {
    const { verifier } = createBench([ed]);
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED MALFORMED');
  });

  const signRaw = (payload: string | Uint8Array, head: Readonly<Record<string, unknown>> = {}): string => {
    const header = encodeJson({ alg: 'EdDSA', kid: 'ed-1', typ: 'at+jwt', ...head });
    const input = `${header}.${Buffer.from(payload).toString('base64url')}`;
    return `${input}.${sign(input)}`;
  };
  const sign = (input: string) => nodeSign(null, Buffer.from(input), ed.privateKey).toString('base64url');

  it('99: with CLAIMS when a claim is there twice, even escaped or nested', async () => {
    const { clock, verifier } = createBench([ed]);
    const token = await signToken(ed, clock);
    const json = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    expect(await outcomeOf(verifier, signRaw(json))).toBe('accepted');
    for (const extra of [
      '"sub":"user-2"',
      '"\\u0073ub":"user-2"',
      '"x":{"a":1,"a":2}',
      '"x":[{"a":":","a":1}]',
    ]) {
      const doubled = `{${extra},${json.slice(1)}`;
      expect(await outcomeOf(verifier, signRaw(doubled))).toBe('UNAUTHENTICATED CLAIMS');
      // Negative control: jose alone takes the last and is content.
      await expect(
        jwtVerify(signRaw(doubled), ed.publicKey, { currentDate: new Date(clock.wallMs()) }),
      ).resolves.toBeDefined();
    }
  });

  it.each([
    ['no JSON', '{"sub":'],
    ['a list', '[]'],
    ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
  ])('with MALFORMED when the signed payload is %s', async (_name, payload) => {
    const { verifier } = createBench([ed]);
    expect(await outcomeOf(verifier, signRaw(payload))).toBe('UNAUTHENTICATED MALFORMED');
  });

  it.each([
    ['an unknown name', { crit: ['x-new'], 'x-new': 1 }],
    ['b64', { crit: ['b64'], b64: false }],
    ['what jose alone would take', { crit: ['b64'], b64: true }],
    ['nothing', { crit: [] }],
    ['null', { crit: null }],
  ])('99: with MALFORMED when crit holds %s', async (_name, head) => {
    const { clock, verifier } = createBench([ed]);
    const token = await signToken(ed, clock);
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url');
    expect(await outcomeOf(verifier, signRaw(payload, head))).toBe('UNAUTHENTICATED MALFORMED');
  });

  it.each([
    ['EdDSA', ed],
    ['ES256', ec],
    ['RS256', rsa],
  ])('when any one character of a token of %s is another', async (_name, key) => {
    const { clock, verifier } = createBench([ed, ec, rsa]);
    const token = await signToken(key, clock);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
    const change = fc.tuple(fc.nat({ max: token.length - 1 }), fc.constantFrom(...alphabet));
    await fc.assert(
      fc.asyncProperty(change, async ([at, character]) => {
        fc.pre(token[at] !== character);
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        expect(await outcomeOf(verifier, changed)).toMatch(/^UNAUTHENTICATED /);
      }),
      { numRuns: 500 },
    );
    expect(await outcomeOf(verifier, token)).toBe('accepted');
  });

  it('when only unused bits of the last character differ', async () => {
    const { clock, verifier } = createBench([ed]);
    const token = await signToken(ed, clock);
    const bytes = Buffer.from(token.split('.')[2] ?? '', 'base64url');
    const twins = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
      .map((character) => token.slice(0, -1) + character)
      .filter((twin) => twin !== token && Buffer.from(twin.split('.')[2] ?? '', 'base64url').equals(bytes));
    expect(twins).toHaveLength(15);
    for (const twin of twins) expect(await outcomeOf(verifier, twin)).toBe('UNAUTHENTICATED MALFORMED');
  });
});

describe('verify() and its cache', () => {
  it('refuses a cached token at the very millisecond at which it expires, tolerance included', async () => {
    const { clock, verifier } = createBench([ed]);
    const token = await signToken(ed, clock);
    const principal = await verifier.verify(token);
    clock.advance(hour * 1000 + 29_999);
    expect(verifier.verify(token)).toBe(principal);
    clock.advance(1);
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED EXPIRED');
  });

  it('keeps no refusal: what was refused is accepted once it is good', async () => {
    const { clock, verifier } = createBench([ed]);
    const soon = Math.floor(clock.wallMs() / 1000) + 60;
    const token = await signToken(ed, clock, { claims: { nbf: soon } });
    expect(await outcomeOf(verifier, token)).toBe('UNAUTHENTICATED NOT_YET_VALID');
    expect(verifier.cached()).toBe(0);
    clock.advance(30_000);
    expect(await outcomeOf(verifier, token)).toBe('accepted');
  });

  it('never holds more than cacheMaxEntries', async () => {
    const { clock, verifier } = createBench([ed], { cacheMaxEntries: 8 });
    const tokens = await Promise.all(
      Array.from({ length: 40 }, (_, at) => signToken(ed, clock, { claims: { sub: `user-${at}` } })),
    );
    for (const token of tokens) {
      await verifier.verify(token);
      expect(verifier.cached()).toBeLessThanOrEqual(8);
    }
    expect(verifier.verify(tokens.at(-1) ?? '')).not.toBeInstanceOf(Promise);
    expect(verifier.verify(tokens[0] ?? '')).toBeInstanceOf(Promise);
  });

  it('keeps principals of different tokens apart when many are verified at one time', async () => {
    const { clock, verifier } = createBench([ed], { cacheMaxEntries: 16 });
    const subjects = Array.from({ length: 200 }, (_, at) => `user-${at % 50}`);
    const tokens = await Promise.all(
      subjects.map((sub, at) => signToken(ed, clock, { claims: { sub, jti: String(at) } })),
    );
    for (let round = 0; round < 3; round += 1) {
      const principals = await Promise.all(tokens.map((token) => verifier.verify(token)));
      expect(principals.map(({ subject }) => subject)).toEqual(subjects);
    }
  });
});

describe('verify() and secrets', () => {
  it('shows nothing of the token in message, extensions, cause or stack of any refusal', async () => {
    const { clock, verifier } = createBench([ed]);
    const claims = { sub: 'canary-subject', email: 'canary-mail', exp: 1 };
    const tokens = [
      await signToken(ed, clock, { claims }),
      await signToken(stranger, clock, { claims: { sub: 'canary-subject' } }),
      await signToken(ed, clock, { claims: { sub: 'canary-subject', aud: 'canary-audience' } }),
      `${encodeText('{"canary": canary')}.${encodeText('canary')}.AA`,
      `canary.${encodeText('canary')}`,
    ];
    for (const token of tokens) {
      const error: unknown = await Promise.resolve(verifier.verify(token)).catch((reason: unknown) => reason);
      const shown = inspect(error, { depth: 10, showHidden: true });
      expect(shown).not.toContain('canary');
      for (const part of token.split('.').filter((text) => text.length > 8))
        expect(shown).not.toContain(part);
    }
  });
});

describe('createTokenVerifier()', () => {
  it('throws when an option is out of bounds', () => {
    expect(() => createBench([ed], { issuer: '' })).toThrow(RangeError);
  });
});
