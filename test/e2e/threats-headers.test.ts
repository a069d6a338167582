import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { signDevelopmentToken } from '../../src/identity/development-keys.ts';
import { encodeNodeId } from '../../src/index.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { codesOf, openTinyGateway, post, type TinyGateway } from '../kit/tiny-gateway.ts';

const production = { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: 'x'.repeat(32) };

describe('somebody without a token in production', () => {
  let shop: Shop;

  beforeAll(async () => {
    shop = await startShop({ environment: { ...production, WEIR_BUDGET_MODE: 'enforce' } });
  });
  afterAll(() => shop?.close());

  const manifest: Record<string, string> = JSON.parse(readFileSync('documents/web.json', 'utf8'));
  const [documentId = ''] =
    Object.entries(manifest).find(([, text]) => text.includes('query ProductPage')) ?? [];
  const body = { documentId, variables: { id: encodeNodeId('Product', 'product-1') } };

  /** All that an answer may carry: what HTTP needs, what protects a browser, the caller's own budget and request id. */
  const carried = [
    'cache-control',
    'connection',
    'content-encoding',
    'content-length',
    'content-security-policy',
    'content-type',
    'cross-origin-resource-policy',
    'date',
    'keep-alive',
    'ratelimit',
    'ratelimit-policy',
    'referrer-policy',
    'transfer-encoding',
    'vary',
    'x-content-type-options',
    'x-request-id',
  ];

  it.each([
    ['nothing', {}],
    ['Apollo’s tracing', { 'x-apollo-tracing': '1', 'apollo-federation-include-trace': 'ftv1' }],
    ['a query plan', { 'apollo-query-plan-experimental': '1', 'x-wg-trace': 'true' }],
    ['debugging', { 'x-debug': '1', 'x-hasura-debug': 'true', 'graphql-debug': '1', cookie: 'debug=1' }],
  ])('119: is told data and no more when it asks for %s', async (_what, headers) => {
    const answer = await post(shop.url, { ...body, extensions: { tracing: true, debug: 1 } }, headers);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json)).toEqual(['data']);
    expect([...answer.headers.keys()].filter((name) => !carried.includes(name))).toEqual([]);
  });

  it.each(['report', 'validate'])('119: is told no price when it asks for one: %s', async (mode) => {
    shop.calls.length = 0;
    const answer = await post(shop.url, body, { 'graphql-cost': mode });
    expect([answer.status, codesOf(answer)]).toEqual([403, ['FORBIDDEN']]);
    expect(Object.keys(answer.json)).toEqual(['errors']);
    expect(answer.text).not.toMatch(/cost":|points/i);
    expect(shop.calls).toEqual([]);
  });

  it('119: is told the price outside production, where this test would find it', async () => {
    const { url, close } = await shop.addGateway({ NODE_ENV: 'development' });
    const answer = await post(url, body, { 'graphql-cost': 'report' });
    expect(Object.keys(answer.json).sort()).toEqual(['data', 'extensions']);
    await close();
  });
});

/** What breaks a line, a list or a header, or is no ASCII. */
const hostile = {
  'a line break': 'a\r\nx-weir-subject: admin',
  'a line feed': 'a\nb',
  'a NUL': 'a\0b',
  'a tabulator': 'a\tb',
  'a letter that is no ASCII': 'süd',
  'an emoji': '😀',
  'a comma': 'a,b; c="d"',
  'what is encoded already': '%0d%0ax: y',
  'a direction mark': 'a\u202eb',
} as const;

describe('what a caller puts into the metadata of calls', () => {
  let tiny: TinyGateway;

  beforeAll(async () => {
    tiny = await openTinyGateway();
  });
  afterAll(() => tiny?.[Symbol.asyncDispose]());

  const query = '{ shelf { label } }';

  /** The metadata of the call that a request made; undefined when it was refused without one. */
  async function metadataOf(headers: Record<string, string>) {
    const before = tiny.service.calls.length;
    const answer = await tiny.ask(query, {}, headers);
    const [call, ...others] = tiny.service.calls.slice(before);
    expect(others).toEqual([]);
    if (!call) expect(answer.status).toBe(401);
    return call?.metadata;
  }

  /** A line of printable ASCII for each, and none but those that are meant. */
  function assertPlain(metadata: Readonly<Record<string, unknown>>): void {
    for (const [key, value] of Object.entries(metadata)) {
      expect(key).toMatch(/^[a-z0-9._-]+$/);
      if (!key.endsWith('-bin')) expect(value).toMatch(/^[\x20-\x7e]*$/);
    }
  }

  const cells = Object.entries(hostile).flatMap(([what, value]) =>
    (['subject', 'tenant', 'client'] as const).map((place) => [place, what, value] as const),
  );

  it.each(cells)('122: the %s of a token with %s is encoded or refused', async (place, _what, value) => {
    const claims = {
      ...(place === 'tenant' && { tenant: value }),
      ...(place === 'client' && { azp: value }),
    };
    const sub = place === 'subject' ? value : 'ann';
    const token = await signDevelopmentToken(
      { sub, issuer: 'weir-development', audience: 'weir', claims },
      systemClock,
    );
    const metadata = await metadataOf({ authorization: `Bearer ${token}` });
    expect(metadata === undefined).toBe(/\p{Cc}/u.test(value));
    if (!metadata) return;
    assertPlain(metadata);
    expect(decodeURIComponent(String(metadata[`x-weir-${place}`]))).toBe(value);
    expect(metadata['x-weir-subject']).toBe(encodeURIComponent(sub));
  });

  it.each(Object.values(hostile).filter((value) => !/[\r\n\0]/.test(value)))(
    '122: what traces and names requests is made anew when it is %j',
    async (value) => {
      const sent = Buffer.from(value).toString('latin1');
      const names = [
        'traceparent',
        'tracestate',
        'baggage',
        'x-request-id',
        'x-weir-tenant',
        'apollographql-client-name',
      ];
      const metadata = await metadataOf(Object.fromEntries(names.map((name) => [name, sent])));
      assertPlain(metadata ?? {});
      expect(metadata?.['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
      expect(metadata?.['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(Object.keys(metadata ?? {}).sort()).toEqual(['traceparent', 'user-agent', 'x-request-id']);
    },
  );
});

describe('an idempotency key', () => {
  let shop: Shop;

  beforeAll(async () => {
    shop = await startShop();
  });
  afterAll(() => shop?.close());

  const send = `mutation ($room: ID!, $key: String) {
    sendMessage(input: { room: $room, text: "x", idempotencyKey: $key }) { message { id } } }`;
  const variables = { room: encodeNodeId('Room', 'room-1') };

  it.each(Object.entries(hostile).filter(([what]) => what !== 'what is encoded already'))(
    '122: with %s is refused before any call, in the input and in the header',
    async (_what, value) => {
      shop.calls.length = 0;
      const key = `${value}-${randomUUID()}`;
      expect(codeIn(await shop.askAs('user-1', send, { ...variables, key }))).toBe('IDEMPOTENCY_KEY_INVALID');
      if (/[\r\n\0]/.test(value))
        expect(() => request(shop.url, { headers: { 'idempotency-key': key } })).toThrow();
      else {
        const authorization = `Bearer ${await shop.tokenOf('user-1')}`;
        const headers = { authorization, 'idempotency-key': Buffer.from(key).toString('latin1') };
        const answer = await post(shop.url, { query: send, variables }, headers);
        expect(codesOf(answer)).toEqual(['IDEMPOTENCY_KEY_INVALID']);
      }
      expect(shop.calls).toEqual([]);
    },
  );
});

function codeIn({ errors }: Awaited<ReturnType<Shop['ask']>>): unknown {
  return errors?.[0]?.extensions?.['code'];
}
