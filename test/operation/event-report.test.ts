import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPricedEvents, type PricedEventsOptions, undisturbed } from '../kit/priced-events.ts';
import { startRedis, type TestRedis } from '../kit/redis.ts';
import {
  type Subscribe,
  subscribeByEventSource,
  subscribeBySingleSse,
  subscribeBySse,
  subscribeByWs,
} from '../kit/subscriber.ts';
import { production } from '../kit/trusted-gateway.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

/** Restores nothing while a test lasts. */
const restorePerSecond = 0.001;
const budget = { limitPoints: 200, restorePerSecond };
const query = 'subscription { everybody { number } }';

const open = (options: Partial<PricedEventsOptions> = {}) => openPricedEvents({ budget, ...options });

/** All that an event says of its price. */
const costOf = (actualQueryCost: number, currentlyAvailable: number | null) => ({
  requestedQueryCost: 5,
  actualQueryCost,
  throttleStatus: currentlyAvailable && {
    maximumAvailable: 200,
    currentlyAvailable,
    restoreRate: restorePerSecond,
  },
  typeCost: 2,
  fieldCost: 5,
  upstreamCalls: 0,
  actualUpstreamCalls: 0,
  modelVersion: expect.any(String),
});

const asHeader = { headers: { 'graphql-cost': 'report' } };
const asExtension = { extensions: { cost: 'report' } };
const ways: readonly { readonly by: Subscribe; readonly name: string; readonly asked: object }[] = [
  { by: subscribeByWs, name: 'WebSocket', asked: asExtension },
  { by: subscribeBySse, name: 'SSE', asked: asExtension },
  { by: subscribeBySse, name: 'SSE', asked: asHeader },
  { by: subscribeByEventSource, name: 'EventSource', asked: asExtension },
  { by: subscribeByEventSource, name: 'EventSource', asked: asHeader },
  { by: subscribeBySingleSse, name: 'single connection SSE', asked: asExtension },
  { by: subscribeBySingleSse, name: 'single connection SSE', asked: asHeader },
];

describe('`GraphQL-Cost: report` of a subscription', () => {
  it.each(ways)('over $name tells $asked with each event what it cost and what is left', async (way) => {
    await using gateway = await open();
    const token = await gateway.tokenOf('a');
    await using reader = way.by(gateway.url, { query, token, ...way.asked });
    await using other = way.by(gateway.url, { query, token: await gateway.tokenOf('b') });
    await Promise.all([reader.live, other.live]);
    await gateway.publish('everybody', 1, 2);
    const told = [await reader.next(), await reader.next()];
    expect(told.map(({ data }) => data)).toEqual([
      { everybody: { number: 1 } },
      { everybody: { number: 2 } },
    ]);
    // One to subscribe, and five for each.
    expect(told.map(({ extensions }) => extensions?.['cost'])).toEqual([costOf(5, 194), costOf(5, 189)]);
    expect(await gateway.pointsOf('a')).toBe(189);
    // Who did not ask shares the execution, and is told nothing.
    const first = await other.next();
    expect(first.data).toEqual({ everybody: { number: 1 } });
    expect(first.extensions?.['cost']).toBeUndefined();
  });

  it('is told in the parts of a multipart answer, beside the cursor', async () => {
    await using gateway = await open();
    const stop = new AbortController();
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
        authorization: `Bearer ${await gateway.tokenOf('a')}`,
        'graphql-cost': 'report',
      },
      body: JSON.stringify({ query }),
      signal: stop.signal,
    });
    // The balance of who subscribed stands in the head, as with any answer.
    expect(response.headers.get('ratelimit')).toMatch(/^"principal";r=199;/);
    await gateway.untilSubscribed(1);
    await gateway.publish('everybody', 1, 1);
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('"number"')) break;
    }
    stop.abort();
    const [, json = ''] = /({"payload":.*"number".*})\r\n--graphql/.exec(text) ?? [];
    expect(JSON.parse(json)).toEqual({
      payload: {
        data: { everybody: { number: 1 } },
        extensions: { cost: costOf(5, 194), cursor: expect.any(String) },
      },
    });
  });

  it.each([
    { store: 'memory', config: () => ({}) },
    { store: 'Redis', config: () => ({ redis: { url: redis.url } }) },
  ])('tells the price of a replay, and the balance of $store', ({ store, config }) =>
    undisturbed({ budget, ...config() }, async (gateway, attempt) => {
      const token = await gateway.tokenOf(`reporter of ${store} ${attempt}`);
      const start = subscribeByWs(gateway.url, { query, token });
      const { cursor = '' } = await start.live;
      await start[Symbol.asyncDispose]();
      await gateway.untilSubscribed(0);
      await gateway.publish('everybody', 1, 3);
      await using reader = subscribeByWs(gateway.url, { query, token, resume: cursor, ...asExtension });
      await reader.live;
      const costs: unknown[] = [];
      for (let count = 0; count < 3; count += 1) costs.push((await reader.next()).extensions?.['cost']);
      await gateway.publish('everybody', 4, 5);
      for (let count = 0; count < 2; count += 1) costs.push((await reader.next()).extensions?.['cost']);
      // Twice one to subscribe, three at half of 5, rounded up, and two at 5.
      expect(costs).toEqual([costOf(3, 195), costOf(3, 192), costOf(3, 189), costOf(5, 184), costOf(5, 179)]);
    }),
  );

  it('tells prices, and no balance, where no books are kept', async () => {
    await using gateway = await open({ environment: { WEIR_BUDGET_MODE: 'off' } });
    await using reader = subscribeByWs(gateway.url, {
      query,
      token: await gateway.tokenOf('a'),
      ...asExtension,
    });
    await reader.live;
    await gateway.publish('everybody', 1, 1);
    expect((await reader.next()).extensions?.['cost']).toEqual(costOf(5, null));
  });

  it('is refused in production to who may not see prices, and the same subscription without it is not', async () => {
    await using gateway = await open({ environment: production, documents: { allow: 'any' } });
    const asking = subscribeByWs(gateway.url, { query, ...asExtension });
    await expect(asking.live).rejects.toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    await using plain = subscribeByWs(gateway.url, { query });
    await plain.live;
  });

  it.each([
    { asked: 'all', got: '"all"' },
    { asked: 5, got: '"5"' },
    { asked: { a: 1 }, got: '"{\\"a\\":1}"' },
  ])('is refused where it is $got', async ({ asked, got }) => {
    await using gateway = await open();
    const asking = subscribeByWs(gateway.url, { query, extensions: { cost: asked } });
    await expect(asking.live).rejects.toMatchObject([
      { message: expect.stringContaining(got), extensions: { code: 'BAD_REQUEST' } },
    ]);
  });
});

describe('`extensions.cost: validate` of a request', () => {
  it('tells the price of a subscription, and subscribes to nothing', async () => {
    await using gateway = await open();
    const token = await gateway.tokenOf('a');
    await using asked = subscribeByWs(gateway.url, { query, token, extensions: { cost: 'validate' } });
    const { data, extensions } = await asked.next();
    expect({ data, cost: extensions?.['cost'] }).toMatchObject({
      data: null,
      cost: { requestedQueryCost: 5, actualQueryCost: null, throttleStatus: { currentlyAvailable: 200 } },
    });
    expect(await asked.ended).toBeUndefined();
  });
});
