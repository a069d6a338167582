import { describe, expect, it } from 'vitest';
import { codesOf, openTinyGateway, post, preflighted, send } from '../kit/tiny-gateway.ts';
import { openWire } from './wire.ts';

const secret = 'a-secret-of-our-own-that-is-long-enough';
const production = { environment: { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: secret } };
const query = JSON.stringify({ query: '{ fast }' });

function head(lines: readonly string[], host = 'a'): string[] {
  const own = [
    'POST /graphql HTTP/1.1',
    `Host: ${host}`,
    'Content-Type: application/json',
    'Connection: close',
  ];
  return [...own, `Content-Length: ${query.length}`, ...lines, '', query];
}

describe('every answer', () => {
  it.each([
    [
      'a result',
      '/graphql',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: query },
    ],
    ['a refusal', '/graphql', { method: 'PUT' }],
    ['an unknown address', '/nothing', {}],
    ['an event stream', '/graphql?query=subscription{ticks}', { headers: { accept: 'text/event-stream' } }],
    ['a reserved stream', '/graphql/stream', { method: 'PUT' }],
  ])('116: says that it is data and not to be kept: %s', async (_what, path, init: RequestInit) => {
    await using tiny = await openTinyGateway();
    const { headers } = await send(new URL(tiny.url).origin + path, {
      ...init,
      headers: { ...init.headers, ...preflighted },
    });
    expect(headers.get('cache-control')).toMatch(/^no-store/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    for (const name of ['server', 'x-powered-by', 'strict-transport-security'])
      expect(headers.get(name)).toBeNull();
  });

  it('asks for encryption in production where its connection is encrypted', async () => {
    const server = { trustedProxies: ['127.0.0.1'] };
    await using tiny = await openTinyGateway({ server }, production);
    const { headers } = await post(tiny.url, query, { 'x-forwarded-proto': 'https' });
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
    expect((await post(tiny.url, query)).headers.get('strict-transport-security')).toBeNull();
  });
});

describe('server.allowedHosts', () => {
  it.each([
    ['graph.example.com', 200],
    ['graph.example.com:443', 200],
    ['GRAPH.example.com', 200],
    ['evil.example.com', 400],
    ['graph.example.com.evil.test', 400],
    ['127.0.0.1', 400],
  ])('56: answers the host %s with %i', async (host, status) => {
    await using tiny = await openTinyGateway({ server: { allowedHosts: ['graph.example.com'] } });
    await using wire = await openWire(tiny.url);
    wire.send(...head([], host));
    expect(await wire.closed).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('holds for WebSockets', async () => {
    await using tiny = await openTinyGateway({ server: { allowedHosts: ['graph.example.com'] } });
    await using wire = await openWire(tiny.url);
    wire.send(
      'GET /graphql HTTP/1.1',
      'Host: evil.example',
      'Connection: Upgrade',
      'Upgrade: websocket',
      '',
      '',
    );
    expect(await wire.closed).toMatch(/^HTTP\/1\.1 400 [\s\S]*server\.allowedHosts/);
  });

  it('is checked against what a trusted proxy was asked for', async () => {
    const server = { allowedHosts: ['graph.example.com'], trustedProxies: ['127.0.0.0/8'] };
    await using tiny = await openTinyGateway({ server });
    const answer = await post(tiny.url, query, { 'x-forwarded-host': 'graph.example.com' });
    expect(answer.status).toBe(200);
    expect(codesOf(await post(tiny.url, query))).toEqual(['BAD_REQUEST']);
  });
});

describe('server.maxHeaders', () => {
  it.each([
    [19, 200],
    [20, 200],
    [21, 431],
  ])('68: answers a request with %i headers with %i when the limit is 20', async (count, status) => {
    await using tiny = await openTinyGateway({ server: { maxHeaders: 20 } });
    await using wire = await openWire(tiny.url);
    wire.send(...head(Array.from({ length: count - 4 }, (_, index) => `X-${index}: 1`)));
    expect(await wire.closed).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

describe('a document in a URL', () => {
  it.each([
    ['graphql-require-preflight', 200],
    ['apollo-require-preflight', 200],
    ['x-apollo-operation-name', 200],
    ['x-anything', 400],
  ])('with the header %s is answered with %i', async (name, status) => {
    await using tiny = await openTinyGateway();
    expect((await send(`${tiny.url}?query={fast}`, { headers: { [name]: '' } })).status).toBe(status);
  });

  it('43: is refused in production, header or not', async () => {
    await using tiny = await openTinyGateway({ documents: { allow: 'any' } }, production);
    const answer = await send(`${tiny.url}?query={fast}`, { headers: preflighted });
    expect(answer.status).toBe(400);
    expect(codesOf(answer)).toEqual(['BAD_REQUEST']);
    expect(tiny.probe.contexts).toEqual([]);
  });
});
