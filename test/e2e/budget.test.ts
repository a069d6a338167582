import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Shop, startShop } from '../kit/shop.ts';
import { send } from '../kit/tiny-gateway.ts';

const page = `query Page($first: Int) {
  orders(first: $first) { edges { node { id customer { displayName } } } pageInfo { hasNextPage } }
}`;

interface Cost {
  readonly requestedQueryCost: number;
  readonly actualQueryCost: number | null;
  readonly throttleStatus: {
    readonly maximumAvailable: number;
    readonly currentlyAvailable: number;
    readonly restoreRate: number;
  } | null;
  readonly upstreamCalls: number;
  readonly actualUpstreamCalls: number | null;
  readonly fields?: { readonly children: readonly { readonly path: string; readonly total: number }[] };
}

/** Asks over HTTP as a user who may read all orders; every user has a budget of its own. */
async function askWith(
  shop: Shop,
  { sub = 'user-1', headers = {}, body }: { sub?: string; headers?: Record<string, string>; body: object },
) {
  const token = await shop.tokenOf(sub, 'orders:read prices:read');
  const answer = await send(shop.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      authorization: `Bearer ${token}`,
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const { extensions } = JSON.parse(answer.text) as { readonly extensions?: { readonly cost?: Cost } };
  return { ...answer, cost: extensions?.cost };
}

describe('the price of an operation', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await startShop({ environment: { WEIR_BUDGET_MODE: 'enforce' } });
  });
  afterAll(() => shop.close());

  it('is 1 + 20 x 2 for a page of 20 orders with a customer each, and what was used is settled', async () => {
    const { status, cost, headers, json } = await askWith(shop, {
      sub: 'reader-1',
      body: { query: page, variables: { first: 20 } },
    });
    expect({ status, errors: json.errors }).toEqual({ status: 200, errors: undefined });
    expect(cost).toMatchObject({
      requestedQueryCost: 41,
      actualQueryCost: 41,
      upstreamCalls: 2,
      actualUpstreamCalls: 2,
      modelVersion: '1',
      throttleStatus: { maximumAvailable: 2000, restoreRate: 100 },
    });
    // Some of it has come back while it was answered.
    expect(cost?.throttleStatus?.currentlyAvailable).toBeGreaterThanOrEqual(1959);
    expect(headers.get('ratelimit')).toMatch(/^"principal";r=19\d\d;t=1$/);
    expect(headers.get('ratelimit-policy')).toBe('"principal";q=2000;w=20;weir-unit="points"');
  });

  it('is the same by literal, variable and default, and gives back what a short list did not use', async () => {
    const literal = page.replace('($first: Int)', '').replace('$first', '7');
    const byDefault = page.replace('$first: Int', '$first: Int = 7');
    const answers = await Promise.all([
      askWith(shop, { body: { query: page, variables: { first: 7 } } }),
      askWith(shop, { body: { query: literal } }),
      askWith(shop, { body: { query: byDefault } }),
    ]);
    expect(answers.map(({ cost }) => cost?.requestedQueryCost)).toEqual([15, 15, 15]);
    const few = `{ orders(first: 50, filter: { customer: "nobody" }) { edges { node { id } } } }`;
    const { cost } = await askWith(shop, { body: { query: few } });
    expect(cost?.requestedQueryCost).toBeGreaterThan(50);
    expect(cost?.actualQueryCost).toBeLessThan(5);
  });

  it('above the ceiling is refused for good: 422, no data, no Retry-After, nothing taken, nothing called', async () => {
    const query = `{ orders(first: 100) { edges { node { lines { product { reviews(first: 100) { edges { node { body } } } } } } } } }`;
    shop.calls.length = 0;
    const refused = await askWith(shop, { sub: 'greedy', body: { query } });
    expect(refused.status).toBe(422);
    expect(refused.headers.get('content-type')).toContain('application/graphql-response+json');
    expect(refused.headers.get('retry-after')).toBeNull();
    expect(refused.text).not.toContain('"data"');
    expect(refused.json.errors).toEqual([
      {
        message: expect.stringMatching(
          /^The operation costs \d+ points, and the most that one may cost is 1000\./,
        ),
        extensions: {
          code: 'COST_LIMIT_EXCEEDED',
          tier: 'operation',
          costPoints: expect.any(Number),
          limitPoints: 1000,
        },
      },
    ]);
    expect(refused.cost).toMatchObject({ actualQueryCost: null, actualUpstreamCalls: null });
    expect(shop.calls).toEqual([]);
    const plain = await askWith(shop, {
      sub: 'greedy',
      headers: { accept: 'application/json' },
      body: { query },
    });
    expect(plain.status).toBe(422);
    expect(plain.headers.get('content-type')).toContain('application/graphql-response+json');
    const next = await askWith(shop, { sub: 'greedy', body: { query: '{ viewer { user { id } } }' } });
    expect(next.cost?.throttleStatus?.currentlyAvailable).toBeGreaterThanOrEqual(1998);
  });

  it('beyond what is left has to wait: 429, the seconds in Retry-After, never before "t"', async () => {
    const query = `{ orders(first: 100) { edges { node { customer { displayName } lines { quantity } } } } }`;
    let answer = await askWith(shop, { sub: 'busy', body: { query } });
    for (let count = 0; count < 20 && answer.status === 200; count += 1)
      answer = await askWith(shop, { sub: 'busy', body: { query } });
    expect(answer.status).toBe(429);
    expect(answer.text).not.toContain('"data"');
    const [error] = answer.json.errors ?? [];
    expect(error?.extensions).toMatchObject({ code: 'RATE_LIMITED', tier: 'principal', limitPoints: 2000 });
    const seconds = Number(answer.headers.get('retry-after'));
    expect(seconds).toBe(Math.ceil(Number(error?.extensions['retryAfterMs']) / 1000));
    const reset = Number(/t=(\d+)/.exec(answer.headers.get('ratelimit') ?? '')?.[1]);
    expect(reset).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeGreaterThanOrEqual(reset);
    // Another caller has a budget of its own.
    expect((await askWith(shop, { sub: 'idle', body: { query } })).status).toBe(200);
  });

  it('is told without running under `GraphQL-Cost: validate`, at its worst when no variables are given', async () => {
    const headers = { 'graphql-cost': 'validate' };
    shop.calls.length = 0;
    const priced = await askWith(shop, { headers, body: { query: page, variables: { first: 3 } } });
    expect(priced.json.data).toBeNull();
    expect(priced.cost).toMatchObject({ requestedQueryCost: 7, actualQueryCost: null });
    const worst = await askWith(shop, { headers, body: { query: page.replace('Int)', 'Int!)') } });
    expect(worst.cost).toMatchObject({ requestedQueryCost: 201 });
    expect(shop.calls).toEqual([]);
    const wrong = await askWith(shop, { headers: { 'graphql-cost': 'guess' }, body: { query: page } });
    expect(wrong.json.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
  });

  it('is told field by field under `GraphQL-Cost: report`, and each alias pays', async () => {
    const query = '{ one: viewer { user { id } } two: viewer { user { id again: id } } }';
    const { cost } = await askWith(shop, { headers: { 'graphql-cost': 'report' }, body: { query } });
    expect(cost?.fields?.children.map(({ path, total }) => [path, total])).toEqual([
      ['one', 1],
      ['two', 1],
    ]);
  });

  it('is what `rateLimit` tells', async () => {
    const query = '{ rateLimit { limit cost remaining used resetAt } }';
    const { json, cost } = await askWith(shop, { sub: 'curious', body: { query } });
    expect(json.errors).toBeUndefined();
    expect(json.data?.['rateLimit']).toMatchObject({
      limit: 2000,
      cost: cost?.requestedQueryCost,
      remaining: 2000 - (cost?.requestedQueryCost ?? 0),
      used: cost?.requestedQueryCost,
    });
  });
});
