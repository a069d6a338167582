import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBudgetPolicy } from '../../src/index.ts';
import { startGatewayProcess } from '../kit/gateway-process.ts';
import { startRedis, type TestRedis } from '../kit/redis.ts';
import { type SecondGateway, type Shop, startShop } from '../kit/shop.ts';
import { createShopEvents, type ShopEvents } from '../kit/shop-events.ts';
import {
  type Received,
  type Subscribe,
  type Subscriber,
  subscribeByEventSource,
  subscribeBySingleSse,
  subscribeByWs,
} from '../kit/subscriber.ts';

/** Two gateways on one Redis. */
let redis: TestRedis;
let shop: Shop;
let second: SecondGateway;
let events: ShopEvents;
let opened: AsyncDisposableStack;

beforeAll(async () => {
  redis = await startRedis();
  // Nobody's budget comes to its end here, but there is a ceiling for one operation.
  const plenty = { limitPoints: 1_000_000, restorePerSecond: 1000 };
  shop = await startShop({
    environment: { REDIS_URL: redis.url, WEIR_BUDGET_MODE: 'enforce' },
    policy: createBudgetPolicy({ principal: plenty, anonymous: plenty, operationLimitPoints: 5000 }),
  });
  second = await shop.addGateway();
  events = createShopEvents(shop);
  await shop.store.query('UPDATE products SET stock = 100000');
});
afterAll(async () => {
  await shop?.close();
  await redis?.stop();
});
beforeEach(() => {
  opened = new AsyncDisposableStack();
});
afterEach(() => opened.disposeAsync());

const query = 'subscription { orders { state order { id } } }';

async function open(
  by: Subscribe,
  { url, as, resume }: { readonly url: string; readonly as: string; readonly resume?: string | undefined },
): Promise<Subscriber> {
  const wanted = { query, token: await shop.tokenOf(as), ...(resume !== undefined && { resume }) };
  return opened.use(by(url, wanted));
}

function orderOf({ data }: Received): string | undefined {
  return (data as { orders: { order: { id: string } } } | null | undefined)?.orders.order.id;
}

async function take(subscriber: Subscriber, count: number): Promise<(string | undefined)[]> {
  const taken: (string | undefined)[] = [];
  while (taken.length < count) taken.push(orderOf(await subscriber.next()));
  return taken;
}

const watched = () => shop.calls.filter((call) => call === 'OrderService/WatchOrders').length;

describe('two gateways on one Redis', () => {
  it('share one stream of a topic, and each event reaches the clients of both once', async () => {
    const as = 'user-1';
    shop.calls.length = 0;
    const left = await open(subscribeByWs, { url: shop.url, as });
    await left.live;
    const right = await open(subscribeByWs, { url: second.url, as });
    await right.live;
    const made = [await events.submitOrder(as), await events.submitOrder(as)];
    expect(await take(left, 2)).toEqual(made);
    expect(await take(right, 2)).toEqual(made);
    expect(watched()).toBe(1);
  });

  it.each([
    ['EventSource', subscribeByEventSource],
    ['graphql-sse, single', subscribeBySingleSse],
  ] as const)('a cursor of a WebSocket at one goes on over %s at the other', async (_name, by) => {
    const as = 'user-2';
    const before = await open(subscribeByWs, { url: shop.url, as });
    await before.live;
    const seen = await events.submitOrder(as);
    const first = await before.next();
    expect(orderOf(first)).toBe(seen);
    await before[Symbol.asyncDispose]();
    const missed = [await events.submitOrder(as), await events.submitOrder(as)];
    const after = await open(by, { url: second.url, as, resume: first.cursor });
    await after.live;
    const last = await events.submitOrder(as);
    expect(await take(after, 3)).toEqual([...missed, last]);
    const foreign = await open(by, { url: second.url, as: 'user-3', resume: first.cursor });
    await foreign.ended;
    expect(foreign.received).toMatchObject([{ errors: [{ extensions: { code: 'INVALID_CURSOR' } }] }]);
  });

  it('typing at one is seen at the other', async () => {
    const [row] = await shop.store.query<{ id: string; one: string; two: string }>(
      'SELECT room_id AS id, min(user_id) AS one, max(user_id) AS two FROM room_members GROUP BY 1 HAVING count(*) > 1 LIMIT 1',
    );
    const room = Buffer.from(`Room:${row?.id}`).toString('base64url');
    const reader = opened.use(
      subscribeByWs(second.url, {
        query: `subscription { typing(room: "${room}") { user { displayName } } }`,
        token: await shop.tokenOf(row?.one ?? ''),
      }),
    );
    await reader.live;
    await events.setTyping(row?.two ?? '', room);
    expect((await reader.next()).data).toMatchObject({
      typing: { user: { displayName: expect.any(String) } },
    });
  });

  it('a Redis that has lost everything is told of, and events go on', async () => {
    const as = 'user-4';
    const reader = await open(subscribeByWs, { url: shop.url, as });
    const { cursor } = await reader.live;
    const before = await events.submitOrder(as);
    expect(orderOf(await reader.next())).toBe(before);
    const control = new Redis(redis.url);
    await control.flushall();
    control.disconnect();
    const resumed = await open(subscribeByWs, { url: second.url, as, resume: cursor });
    expect(await resumed.live).toMatchObject({ recovered: false, reason: 'epoch' });
    const gap = { data: null, extensions: { gap: { reason: 'epoch' } } };
    expect(await resumed.next()).toMatchObject(gap);
    const after = await events.submitOrder(as);
    expect(orderOf(await resumed.next())).toBe(after);
    expect(await reader.next()).toMatchObject(gap);
    expect(orderOf(await reader.next())).toBe(after);
  });
});

describe('a gateway that dies', () => {
  it('hands its topics on within 5 s, and nothing is lost or doubled', async () => {
    const as = 'user-5';
    const dying = await startGatewayProcess(shop.environment);
    opened.defer(dying.kill);
    shop.calls.length = 0;
    const there = await open(subscribeByWs, { url: dying.url, as });
    await there.live;
    const here = await open(subscribeByWs, { url: second.url, as });
    await here.live;
    const made = [await events.submitOrder(as)];
    expect(await take(here, 1)).toEqual(made);
    const { cursor } = await there.next();
    expect(watched()).toBe(1);
    await dying.kill();
    const killedMs = performance.now();
    for (let n = 0; n < 5; n += 1) made.push(await events.submitOrder(as));
    expect(await take(here, 5)).toEqual(made.slice(1));
    expect(performance.now() - killedMs).toBeLessThan(5000);
    expect(watched()).toBe(2);
    const back = await open(subscribeByWs, { url: second.url, as, resume: cursor });
    expect(await back.live).toMatchObject({ recovered: true });
    expect(await take(back, 5)).toEqual(made.slice(1));
    expect(here.received).toHaveLength(6);
  });
});

/** One stream of the single connection mode at the second gateway, as it comes. */
async function openSingleStream() {
  const url = `${second.url}/stream`;
  const token = await (await fetch(url, { method: 'PUT' })).text();
  const leaving = new AbortController();
  opened.defer(() => leaving.abort());
  const headers = { 'x-graphql-event-stream-token': token };
  const accept = { accept: 'text/event-stream' };
  const response = await fetch(url, { headers: { ...headers, ...accept }, signal: leaving.signal });
  const body = response.body?.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  let text = '';
  return {
    /** What a POST is answered. */
    begin: async (gateway: string, operationId: string, operation: string) => {
      const answer = await fetch(`${gateway}/stream`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ query: operation, extensions: { operationId } }),
      });
      return { status: answer.status, text: await answer.text() };
    },
    /** All that has come when the operation is complete. */
    completed: async (operationId: string) => {
      const end = `event: complete\ndata: {"id":"${operationId}"}\n\n`;
      while (!text.includes(end)) text += (await body?.next())?.value ?? '';
      const all = text;
      text = '';
      return all;
    },
  };
}

describe('the single connection mode', () => {
  const product = Buffer.from('Product:product-1').toString('base64url');
  const deep =
    '{ products(first: 100) { edges { node { reviews(first: 100) { edges { node { author { id } } } } } } } }';
  it.each([
    ['GRAPHQL_PARSE_FAILED', '{'],
    ['GRAPHQL_VALIDATION_FAILED', '{ nope }'],
    ['PAGE_SIZE', '{ products(first: -1) { edges { cursor } } }'],
    ['COST_LIMIT_EXCEEDED', deep],
    ['UNAUTHENTICATED', 'subscription { orders { state } }'],
    ['UPSTREAM_UNAVAILABLE', `{ product(id: "${product}") { title } }`],
  ])('frees the id of an operation that failed with %s, wherever it was sent', async (code, failing) => {
    shop.faults.set('CatalogService/BatchGetProducts', { code: 'UNAVAILABLE' });
    opened.defer(() => shop.faults.clear());
    const stream = await openSingleStream();
    for (const gateway of [second.url, shop.url]) {
      const { status, text } = await stream.begin(gateway, 'a', failing);
      expect(status === 202 ? await stream.completed('a') : text).toContain(`"${code}"`);
      expect(await stream.begin(gateway, 'a', '{ __typename }')).toEqual({ status: 202, text: '' });
      expect(await stream.completed('a')).toContain('{"data":{"__typename":"Query"}');
    }
  });
});
