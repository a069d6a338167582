import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openHttp2 } from '../kit/http2-client.ts';
import { openSecured } from '../kit/secured-gateway.ts';
import { codesOf, openTinyGateway, post, preflighted, send, type TinyGateway } from '../kit/tiny-gateway.ts';
import { openWire } from './wire.ts';

/** Threats to HTTP by their numbers, where no other test has them: what changes something must not have run. */
const body = JSON.stringify({ query: 'mutation { touch }' });
const inChunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const json = 'Content-Type: application/json';
const length = `Content-Length: ${body.length}`;
const chunked = 'Transfer-Encoding: chunked';
const production = {
  environment: { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: 'a-secret-of-our-own-that-is-long-enough' },
};

/** A request as it stands; `head` without host. */
function requestOf(head: readonly string[], content = body, start = 'POST /graphql HTTP/1.1'): string {
  return [start, 'Host: a', ...head, '', content].join('\r\n');
}

/** All that is answered to what is sent as it stands, until the gateway has closed the connection. */
async function answerTo(url: string, text: string): Promise<string> {
  await using wire = await openWire(url);
  wire.send(text);
  return await wire.closed; // before the wire is disposed of
}

const statusOf = (answer: string) => /^HTTP\/1\.1 (\d+) /.exec(answer)?.[1];

/** It has changed nothing, and is there for a good client. */
async function expectWell(tiny: TinyGateway, touches = 0): Promise<void> {
  expect(tiny.probe.touches).toBe(touches);
  expect((await tiny.ask('{ fast }')).json).toEqual({ data: { fast: 'fast' } });
  expect(tiny.log.lines).toEqual([]);
}

/** Its clients may speak HTTP/2 without TLS. */
async function openPlain() {
  const tiny = await openTinyGateway({ server: { trustedProxies: ['127.0.0.1'] } });
  return { tiny, [Symbol.asyncDispose]: () => tiny[Symbol.asyncDispose]() };
}

describe('the type of a body', () => {
  it.each([
    ['none', []],
    ['the right one twice', [json, json]],
    ['a wrong one behind the right one', [json, 'Content-Type: text/plain']],
    ['the right one behind a wrong one', ['Content-Type: text/plain', json]],
    ['two in one line', ['Content-Type: application/json, application/json']],
    ['junk behind it', ['Content-Type: application/json junk']],
    ['a NUL of another alphabet behind it', ['Content-Type: application/json\u00a0']],
    ['an odd parameter', ['Content-Type: application/json; a="b;c"']],
    ['a parameter without a name', ['Content-Type: application/json; =utf-8']],
    ['two charsets', ['Content-Type: application/json; charset=utf-8; charset=utf-7']],
    ['a message', ['Content-Type: message/http']],
  ])('42: %s is 415, and nothing runs', async (_what, types) => {
    await using tiny = await openTinyGateway();
    const answer = await answerTo(tiny.url, requestOf([...types, length]));
    expect(statusOf(answer)).toBe('415');
    expect(answer).toContain('UNSUPPORTED_MEDIA_TYPE');
    await expectWell(tiny);
  });

  it.each(['Content-Type: APPLICATION/Json', 'CONTENT-TYPE:application/json;charset=UTF-8 '])(
    '42: %s is the right one',
    async (type) => {
      await using tiny = await openTinyGateway();
      const answer = await answerTo(tiny.url, requestOf([type, length, 'Connection: close']));
      expect(statusOf(answer)).toBe('200');
      await expectWell(tiny, 1);
    },
  );

  it.each(['message/http', 'message/rfc822', 'text/plain', 'application/json, message/http', 'x', ''])(
    '42: of a GET, which has no body, is %j and 415, preflighted or not',
    async (type) => {
      await using tiny = await openTinyGateway();
      for (const asked of [{}, preflighted]) {
        const headers = { ...asked, 'content-type': type };
        expect(codesOf(await send(`${tiny.url}?query={fast}`, { headers }))).toEqual([
          'UNSUPPORTED_MEDIA_TYPE',
        ]);
      }
      expect(tiny.probe.contexts).toEqual([]);
      const right = { ...preflighted, 'content-type': 'application/json' }; // as Apollo Client names it
      expect((await send(`${tiny.url}?query={fast}`, { headers: right })).status).toBe(200);
    },
  );

  it('49: multipart is 415 whatever its map names, and prototypes are as they were', async () => {
    await using tiny = await openTinyGateway();
    const parts = [
      ['operations', '{"query":"mutation { touch }","variables":{"file":null}}'],
      ['map', '{"0":["variables.__proto__.polluted","constructor.prototype.polluted","__proto__.polluted"]}'],
      ['0', 'true'],
    ] as const;
    const form = parts
      .map(([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join('');
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    expect(codesOf(await post(tiny.url, `${form}--x--\r\n`, headers))).toEqual(['UNSUPPORTED_MEDIA_TYPE']);
    expect(Object.prototype).not.toHaveProperty('polluted');
    await expectWell(tiny);
  });
});

it('44: what a GET has behind its head is no part of the request, and no request of its own', async () => {
  await using tiny = await openTinyGateway();
  const start = 'GET /graphql?query={fast} HTTP/1.1';
  const head = ['GraphQL-Require-Preflight: 1', json, length, 'Connection: close'];
  const answer = await answerTo(tiny.url, requestOf(head, body, start));
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*{"data":{"fast":"fast"}}$/);
  await expectWell(tiny);
});

describe('a method that is not served', () => {
  it.each(['PUT', 'TRACE', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'PROPFIND'])(
    '51: %s is 405 with what is allowed, and the connection ends',
    async (method) => {
      await using tiny = await openTinyGateway();
      const answer = await answerTo(tiny.url, requestOf([json, length], body, `${method} /graphql HTTP/1.1`));
      expect(answer).toMatch(/^HTTP\/1\.1 405 [\s\S]*\r\nallow: GET, POST\r\n[\s\S]*METHOD_NOT_ALLOWED/);
      await expectWell(tiny);
    },
  );

  it.each([
    'OPTIONS * HTTP/1.1',
    'TRACE * HTTP/1.1',
    'CONNECT other.example:443 HTTP/1.1',
    'CONNECT 127.0.0.1:4001 HTTP/1.1',
  ])('51: %s is for no address, and 405 likewise', async (start) => {
    await using tiny = await openTinyGateway();
    const answer = await answerTo(tiny.url, requestOf([], 'GET / HTTP/1.1\r\nHost: other\r\n\r\n', start));
    expect(answer).toMatch(/^HTTP\/1\.1 405 [\s\S]*\r\nallow: GET, POST\r\n[\s\S]*METHOD_NOT_ALLOWED/);
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1); // no tunnel: what is sent through it is not answered
    await expectWell(tiny);
  });

  it('51: CONNECT is 405 over TLS likewise', async () => {
    await using secured = await openSecured();
    const answer = await answerTo(secured.tiny.url, requestOf([], 'hello', 'CONNECT a:443 HTTP/1.1'));
    expect(answer).toMatch(/^HTTP\/1\.1 405 [\s\S]*\r\nallow: GET, POST\r\n[\s\S]*METHOD_NOT_ALLOWED/);
    await using client = await openHttp2(secured.tiny.url);
    expect((await client.query('{ fast }')).status).toBe(200);
  });

  it('51: CONNECT to a client that is gone at once hurts nobody', async () => {
    await using tiny = await openTinyGateway();
    for (let round = 0; round < 50; round += 1) {
      const wire = await openWire(tiny.url);
      wire.send(requestOf([], '', 'CONNECT a:1 HTTP/1.1'));
      wire.socket.resetAndDestroy();
      await wire.closed;
    }
    await expectWell(tiny);
  });

  it.each(['TRACE', 'HEAD', 'OPTIONS', 'PUT'])('51: %s is 405 over HTTP/2', async (method) => {
    await using secured = await openSecured();
    await using client = await openHttp2(secured.tiny.url);
    const { status, headers } = await client.ask({ ':method': method });
    expect([status, headers['allow']]).toEqual([405, 'GET, POST']);
    expect((await client.query('{ fast }')).status).toBe(200);
  });

  it.each(['TLS', 'plain text'])('51: CONNECT is 405 over HTTP/2 in %s, and opens no tunnel', async (by) => {
    await using opened = await (by === 'TLS' ? openSecured() : openPlain());
    await using client = await openHttp2(opened.tiny.url);
    const stream = client.session.request({ ':method': 'CONNECT', ':authority': 'other.example:443' });
    const [headers] = await once(stream, 'response');
    expect([headers[':status'], headers['allow']]).toEqual([405, 'GET, POST']);
    stream.end('GET / HTTP/1.1\r\n\r\n');
    stream.setEncoding('utf8');
    const answer = (await Array.fromAsync(stream)).join('');
    expect(JSON.parse(answer).errors[0].extensions.code).toBe('METHOD_NOT_ALLOWED');
    expect((await client.query('{ fast }')).status).toBe(200);
  });
});

describe('the page of GraphiQL', () => {
  it.each(['/graphql', '/graphql?', '/graphql?x=1', '/', '/graphiql', '/playground', '/graphql/stream'])(
    '52: is 404 in production: %s',
    async (path) => {
      await using tiny = await openTinyGateway({ documents: { allow: 'any' } }, production);
      for (const accept of ['text/html', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8']) {
        const answer = await send(new URL(path, tiny.url).href, { headers: { accept } });
        // What reserves event streams has no page anywhere.
        expect(answer.status).toBe(path === '/graphql/stream' ? 406 : 404);
        expect(answer.headers.get('content-type')).toMatch(/json/);
        expect(answer.text).not.toContain('<');
      }
    },
  );

  it('52: is there outside production (negative control)', async () => {
    await using tiny = await openTinyGateway();
    const { status, text } = await send(tiny.url, { headers: { accept: 'text/html' } });
    expect([status, text.includes('<html')]).toEqual([200, true]);
  });
});

/** A request whose end two servers may see at different places, or whose lines. Behind each comes another request. */
const smuggled: readonly (readonly [string, string])[] = [
  ['a length and chunks', requestOf([json, 'Content-Length: 5', chunked], inChunks)],
  ['chunks and a length', requestOf([json, chunked, 'Content-Length: 5'], inChunks)],
  ['two lengths', requestOf([json, length, 'Content-Length: 5'])],
  ['a length twice', requestOf([json, length, length])],
  ['a list of lengths', requestOf([json, `${length}, ${body.length}`])],
  ['a length with a sign', requestOf([json, `Content-Length: +${body.length}`])],
  ['a length below none', requestOf([json, 'Content-Length: -1'])],
  ['a hexadecimal length', requestOf([json, `Content-Length: 0x${body.length.toString(16)}`])],
  ['blanks behind a name', requestOf([json, `Content-Length : ${body.length}`])],
  ['another coding', requestOf([json, 'Transfer-Encoding: xchunked'], inChunks)],
  ['a coding behind chunks', requestOf([json, 'Transfer-Encoding: chunked, identity'], inChunks)],
  ['a coding before chunks', requestOf([json, 'Transfer-Encoding: gzip, chunked'], inChunks)],
  ['chunks twice', requestOf([json, chunked, chunked], inChunks)],
  ['a control before the coding', requestOf([json, 'Transfer-Encoding: \u000bchunked'], inChunks)],
  ['chunks in HTTP/1.0', requestOf([json, chunked], inChunks, 'POST /graphql HTTP/1.0')],
  ['a folded header (obs-fold)', requestOf([json, 'X-A: b\r\n c', length])],
  ['a folded coding', requestOf([json, 'Transfer-Encoding:\r\n chunked'], inChunks)],
  ['a folded first header', requestOf([json, length]).replace('\r\nHost', '\r\n Host')],
  ['a bare LF behind the first line', requestOf([json, length]).replace('\r\n', '\n')],
  ['a bare LF behind a header', requestOf([json, length]).replace('a\r\n', 'a\n')],
  ['a bare LF before the body', requestOf([json, length]).replace('\r\n\r\n', '\r\n\n')],
  ['bare LFs alone', requestOf([json, length]).replaceAll('\r\n', '\n')],
  ['a bare CR in a header', requestOf([json, 'X-A: b\rX-B: c', length])],
  ['a NUL in a header', requestOf([json, 'X-A: b\0c', length])],
  ['an extension of a chunk with a bare LF', requestOf([json, chunked], inChunks.replace('\r\n', ';\n'))],
  ['an extension with line ends', requestOf([json, chunked], inChunks.replace('\r\n', ';a="\r\n\r\n"\r\n'))],
  ['a bare LF behind the size of a chunk', requestOf([json, chunked], inChunks.replace('\r\n', '\n'))],
  ['a bare LF behind a chunk', requestOf([json, chunked], inChunks.replace(`${body}\r\n`, `${body}\n`))],
  ['the size of a chunk with 0x', requestOf([json, chunked], `0x${inChunks}`)],
  ['the size of a chunk with a sign', requestOf([json, chunked], `+${inChunks}`)],
  ['the size of a chunk beyond 64 bits', requestOf([json, chunked], `10000000000000000${inChunks}`)],
  ['no host', requestOf([json, length]).replace('Host: a\r\n', '')],
  ['two hosts', requestOf(['Host: b', json, length])],
];

describe.each(['plain text', 'TLS'] as const)('the end of a request, over %s', (by) => {
  const open = by === 'TLS' ? openSecured : openPlain;

  it.each(smuggled)('53: %s is 400, and the connection ends', async (_what, text) => {
    await using opened = await open();
    const { url, probe } = opened.tiny;
    const answer = await answerTo(url, text + requestOf([json, length]));
    expect(statusOf(answer)).toBe('400');
    expect(answer.match(/^HTTP\/1\.1 \d/gm)).toHaveLength(1);
    expect(probe.touches).toBe(0);
    // Negative control: what came behind it is a good request.
    expect(statusOf(await answerTo(url, requestOf([json, length, 'Connection: close'])))).toBe('200');
    expect(probe.touches).toBe(1);
  });

  it('53: an extension that is well formed changes nothing, and a long one is refused', async () => {
    await using opened = await open();
    const { url, probe } = opened.tiny;
    // RFC 9112 section 7.1.1: what is not known of it is passed over.
    const extended = inChunks.replace('\r\n', ';a=b\r\n').replace('\r\n0\r\n', '\r\n0;c="d"\r\n');
    const answer = await answerTo(
      url,
      requestOf([json, chunked], extended) + requestOf([json, length, 'Connection: close']),
    );
    expect(answer.match(/{"data":{"touch":\d}}/g)).toEqual(['{"data":{"touch":1}}', '{"data":{"touch":2}}']);
    const long = inChunks.replace('\r\n', `;${'a'.repeat(20_000)}\r\n`);
    expect(statusOf(await answerTo(url, requestOf([json, chunked], long)))).toBe('413');
    expect(probe.touches).toBe(2);
  });

  it('53: a trailer is no header', async () => {
    await using opened = await open();
    const trailed = inChunks.replace(/\r\n\r\n$/, '\r\nAuthorization: Bearer x\r\n\r\n');
    const answer = await answerTo(
      opened.tiny.url,
      requestOf([json, chunked, 'Connection: close', 'Trailer: Authorization'], trailed),
    );
    expect(statusOf(answer)).toBe('200'); // such a token would be 401
  });
});

it('53: a head that is refused over HTTP/2 ends nothing but its own stream', async () => {
  await using secured = await openSecured({ server: { allowedHosts: ['127.0.0.1'] } });
  await using client = await openHttp2(secured.tiny.url);
  for (let round = 0; round < 2; round += 1) {
    const { status } = await client.query('{ fast }', { ':authority': 'other.example' });
    expect(status).toBe(400);
    expect((await client.query('{ fast }')).status).toBe(200);
  }
});

describe('names of headers that objects have', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'];

  it('54: are headers like any other, with a token or without', async () => {
    await using tiny = await openTinyGateway({ server: { allowedOrigins: ['https://good.example'] } });
    const head = [...names.map((name) => `${name}: x`), json, length, 'Connection: close'];
    expect(statusOf(await answerTo(tiny.url, requestOf(head)))).toBe('200');
    // Node lists all values of a header where there is a token.
    expect(statusOf(await answerTo(tiny.url, requestOf(['Authorization: Bearer x', ...head])))).toBe('401');
    const preflight = ['Origin: https://good.example', 'Access-Control-Request-Method: __proto__', ...head];
    expect(statusOf(await answerTo(tiny.url, requestOf(preflight, '', 'OPTIONS /graphql HTTP/1.1')))).toBe(
      '204',
    );
    await expectWell(tiny, 1);
  });

  it('54: are so over HTTP/2 and to WebSockets', async () => {
    await using secured = await openSecured();
    await using client = await openHttp2(secured.tiny.url);
    const headers = Object.fromEntries(names.map((name) => [name.toLowerCase(), 'x']));
    expect((await client.query('{ fast }', headers)).status).toBe(200);
    expect((await client.query('{ fast }', { ...headers, authorization: 'Bearer x' })).status).toBe(401);
    await using tiny = await openTinyGateway();
    const upgrade = ['__proto__: x', 'Connection: Upgrade', 'Upgrade: websocket'];
    expect(statusOf(await answerTo(tiny.url, requestOf(upgrade, '', 'GET /graphql HTTP/1.1')))).toBe('400');
    await expectWell(tiny);
  });
});

describe('what a client says of the host and of itself', () => {
  const forged = {
    'x-forwarded-host': 'mobile.example',
    'x-forwarded-for': '192.0.2.1',
    'x-forwarded-proto': 'https',
    forwarded: 'for=192.0.2.1;host=mobile.example;proto=https',
    'x-real-ip': '192.0.2.1',
    'x-host': 'mobile.example',
    'x-original-host': 'mobile.example',
    'x-original-url': '/other',
    'x-rewrite-url': '/other',
    'x-http-method-override': 'DELETE',
  };
  const variants = {
    web: { paths: ['/graphql'] },
    mobile: { paths: ['/graphql'], hosts: ['mobile.example'] },
  };
  const variantOf = ({ log }: TinyGateway) => log.operations.at(-1)?.['variant'];

  it.each([
    [['10.0.0.0/8', '127.0.0.2'], 'web', null],
    [['127.0.0.1'], 'mobile', 'max-age=31536000'],
  ])('56: with proxies at %j is believed so far: %s', async (trustedProxies, variant, transport) => {
    await using tiny = await openTinyGateway(
      { server: { trustedProxies }, variants, documents: { allow: 'any' } },
      production,
    );
    const { status, headers } = await post(tiny.url, { query: '{ fast }' }, forged);
    expect([status, variantOf(tiny)]).toEqual([200, variant]);
    expect(headers.get('strict-transport-security')).toBe(transport);
  });

  it('56: does not open a WebSocket for a page of the host that it names', async () => {
    await using tiny = await openTinyGateway({ server: { trustedProxies: ['10.0.0.0/8'] } }, production);
    const options = { headers: { origin: 'https://mobile.example', 'x-forwarded-host': 'mobile.example' } };
    const socket = new WebSocket(tiny.url.replace('http', 'ws'), ['graphql-transport-ws'], options);
    const refusal = await new Promise((resolve) => {
      socket.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode));
      socket.on('error', () => {});
    });
    expect(refusal).toBe(403);
  });

  it('56: leads nowhere by an address in place of the path', async () => {
    await using tiny = await openTinyGateway({ variants });
    const start = 'POST http://mobile.example/graphql HTTP/1.1';
    expect(statusOf(await answerTo(tiny.url, requestOf([json, length], body, start)))).toBe('404');
    await expectWell(tiny);
  });
});
