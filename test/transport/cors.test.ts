import { describe, expect, it } from 'vitest';
import { codesOf, openTinyGateway, post, send } from '../kit/tiny-gateway.ts';

const good = 'https://good.example';
const server = { allowedOrigins: [good, 'http://localhost:5173'] };

function preflight(url: string, origin: string, headers: Record<string, string> = {}) {
  return send(url, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
      ...headers,
    },
  });
}

describe('a preflight', () => {
  it('of a listed origin is told what its pages may send', async () => {
    await using tiny = await openTinyGateway({ server });
    const { status, headers, text } = await preflight(tiny.url, good);
    expect(status).toBe(204);
    expect(text).toBe('');
    expect(headers.get('access-control-allow-origin')).toBe(good);
    expect(headers.get('access-control-allow-methods')).toBe('GET, POST');
    expect(headers.get('access-control-max-age')).toBe('7200');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('vary')).toContain('Origin');
    const allowed = String(headers.get('access-control-allow-headers')).toLowerCase().split(', ');
    for (const name of [
      'authorization',
      'content-type',
      'idempotency-key',
      'graphql-cost',
      'weir-timeout-ms',
      'last-event-id',
      'traceparent',
      'x-request-id',
    ])
      expect(allowed).toContain(name);
  });

  it('is told of the methods of the address that it asks', async () => {
    await using tiny = await openTinyGateway({ server });
    const { headers } = await preflight(`${tiny.url}/stream`, good);
    expect(headers.get('access-control-allow-methods')).toBe('PUT, GET, POST, DELETE');
    expect((await preflight(`${tiny.url}x`, good)).status).toBe(404);
  });

  it('is answered for its address, whichever variant the headers of the request to come will choose', async () => {
    const header = (value: string) => ({ name: 'x-app', value });
    await using tiny = await openTinyGateway({
      server,
      variants: {
        phone: { paths: ['/graphql'], header: header('phone') },
        watch: { paths: ['/graphql'], header: header('watch') },
        shop: { paths: ['/shop'], hosts: ['shop.example'], header: header('phone') },
      },
    });
    for (const suffix of ['', '/stream', '/documents/sha256:00']) {
      const { status, headers } = await preflight(`${tiny.url}${suffix}`, good);
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-headers')).toMatch(/, x-app$/);
    }
    expect((await preflight(tiny.url, 'https://evil.example')).status).toBe(403);
    // The host is known of a preflight, and that of this one is another.
    expect((await preflight(tiny.url.replace('/graphql', '/shop'), good)).status).toBe(404);
    const asked = (app: string) => post(tiny.url, { query: '{ fast }' }, { origin: good, 'x-app': app });
    expect([(await asked('phone')).status, (await asked('other')).status]).toEqual([200, 404]);
    // Who asks for something else than a preflight says what it is for.
    expect((await send(tiny.url, { method: 'OPTIONS', headers: { origin: good } })).status).toBe(404);
  });

  it('is told of headers and credentials that the configuration adds', async () => {
    await using tiny = await openTinyGateway({
      server: { ...server, allowCredentials: true, allowedHeaders: ['X-Tenant'] },
    });
    const { headers } = await preflight(tiny.url, good);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('access-control-allow-headers')).toContain(', X-Tenant');
  });

  it.each([
    'null',
    'https://evil.example',
    'https://good.example.evil.test',
    'https://evilgood.example',
    'https://good.example:8443',
    'http://good.example',
    'https://GOOD.example',
    'https://good.example/',
    'https://good.example, https://evil.example',
    '*',
  ])('46, 47: of the origin %s is refused, and the origin not repeated', async (origin) => {
    await using tiny = await openTinyGateway({ server });
    const answer = await preflight(tiny.url, origin);
    expect(answer.status).toBe(403);
    expect(codesOf(answer)).toEqual(['FORBIDDEN']);
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  it('46: of any origin is refused where none is listed', async () => {
    await using tiny = await openTinyGateway();
    const answer = await preflight(tiny.url, good);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('an answer', () => {
  it('shows a page of a listed origin its headers', async () => {
    await using tiny = await openTinyGateway({ server });
    const answer = await post(tiny.url, { query: '{ fast }' }, { origin: good });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(good);
    const exposed = String(answer.headers.get('access-control-expose-headers')).split(', ');
    for (const name of [
      'Idempotent-Replayed',
      'RateLimit',
      'RateLimit-Policy',
      'Retry-After',
      'X-Request-Id',
    ])
      expect(exposed).toContain(name);
    for (const name of ['Deprecation', 'Sunset', 'Idempotency-Protection']) expect(exposed).toContain(name);
  });

  it('shows it refusals, too, whatever refused', async () => {
    await using tiny = await openTinyGateway({ server });
    const answers = [
      await post(tiny.url, '{', { origin: good }),
      await post(tiny.url, 'x', { origin: good, 'content-type': 'text/plain' }),
      await post(tiny.url, { query: '{ fast }' }, { origin: good, authorization: 'Bearer x' }),
      await post(`${tiny.url}x`, { query: '{ fast }' }, { origin: good }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 415, 401, 404]);
    for (const { headers } of answers) expect(headers.get('access-control-allow-origin')).toBe(good);
  });

  it.each([undefined, 'null', 'https://evil.example'])('47: is for no page of %s', async (origin) => {
    await using tiny = await openTinyGateway({ server });
    const { headers } = await post(tiny.url, { query: '{ fast }' }, origin ? { origin } : {});
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('vary')).toBe('Origin'); // a cache must not give it to a page
  });

  it('is for every page but those without an origin where the list says "*"', async () => {
    await using tiny = await openTinyGateway({ server: { allowedOrigins: ['*'] } });
    const any = await post(tiny.url, { query: '{ fast }' }, { origin: 'https://any.example' });
    expect(any.headers.get('access-control-allow-origin')).toBe('*');
    const none = await post(tiny.url, { query: '{ fast }' }, { origin: 'null' });
    expect(none.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('of an event stream is shown as any other', async () => {
    await using tiny = await openTinyGateway({ server });
    const headers = { origin: good, accept: 'text/event-stream' };
    const answer = await post(tiny.url, { query: 'subscription { ticks }' }, headers);
    expect(answer.headers.get('access-control-allow-origin')).toBe(good);
    expect(answer.text).toContain('"ticks":3');
  });
});
