import { createClient as createWsClient } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { encodeNodeId } from '../../src/index.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { createShopEvents, type ShopEvents } from '../kit/shop-events.ts';
import { type Subscribe, subscribeByEventSource, subscribeByWs } from '../kit/subscriber.ts';

let shop: Shop;
let events: ShopEvents;
let opened: AsyncDisposableStack;

beforeAll(async () => {
  shop = await startShop();
  events = createShopEvents(shop);
  await shop.store.query('UPDATE products SET stock = 100000');
});
afterAll(() => shop?.close());
beforeEach(() => {
  opened = new AsyncDisposableStack();
});
afterEach(async () => {
  shop.faults.clear();
  await opened.disposeAsync();
});

interface Answer {
  readonly data?: { readonly viewer: { readonly orders: { readonly edges: readonly Edge[] } } } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
  readonly extensions?: { readonly cursor?: string };
}

interface Edge {
  readonly node: { readonly id: string; readonly state: string };
}

const subscription = 'subscription Mine { orders { state order { id } } }';
const query = '{ viewer { orders(first: 50) { edges { node { id state } } } } }';

interface Request {
  readonly query?: string;
  readonly cursor: unknown;
}

/** Asks as a user over HTTP or on a WebSocket. */
type Ask = (sub: string, request: Request) => Promise<Answer>;

const askByHttp: Ask = async (sub, { query: asked = query, cursor }) => {
  const response = await fetch(shop.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await shop.tokenOf(sub)}` },
    body: JSON.stringify({ query: asked, extensions: { cursor } }),
  });
  return response.json() as Promise<Answer>;
};

const askByWs: Ask = async (sub, { query: asked = query, cursor }) => {
  const client = createWsClient({
    url: shop.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${await shop.tokenOf(sub)}` },
  });
  opened.defer(async () => void (await client.dispose()));
  try {
    for await (const result of client.iterate({ query: asked, extensions: { cursor } }))
      return result as Answer; // as: of our own graph
  } catch (errors) {
    return { errors: errors as NonNullable<Answer['errors']> }; // as: graphql-ws throws what it was sent
  }
  throw new Error('There was no answer.');
};

const ways: readonly (readonly [string, Ask])[] = [
  ['HTTP', askByHttp],
  ['WebSocket', askByWs],
];

describe.each(ways)('extensions.cursor of a query over %s', (way, ask) => {
  it.each([
    ['WebSocket', subscribeByWs],
    ['EventSource', subscribeByEventSource],
  ] as const)('is where a subscription over %s goes on without a hole', async (_name, by) => {
    const as = `user-${way.length * 10 + _name.length}`;
    const writing = new AbortController();
    const made: string[] = [];
    const write = async () => {
      while (!writing.signal.aborted) made.push(await events.submitOrder(as));
    };
    const writers = [write(), write()];
    for (let round = 0; round < 5; round += 1) await readAndFollow(as, { ask, by, made });
    writing.abort();
    await Promise.all(writers);
  });

  it('is that of before: what happens while the query is answered comes as an event', async () => {
    const as = 'user-7';
    shop.faults.set('OrderService/ListOrders', { delayMs: 300, times: 1 });
    const asking = ask(as, { cursor: { query: subscription } });
    await until(() => shop.calls.at(-1) === 'OrderService/ListOrders');
    const id = await events.submitOrder(as);
    const { extensions, data } = await asking;
    expect(data?.viewer.orders.edges.map(({ node }) => node.id)).toContain(id);
    const subscriber = opened.use(
      subscribeByWs(shop.url, {
        query: subscription,
        token: await shop.tokenOf(as),
        resume: extensions?.cursor ?? '',
      }),
    );
    expect(await subscriber.live).toMatchObject({ recovered: true });
    expect((await subscriber.next()).data).toEqual({ orders: { state: 'PENDING', order: { id } } });
  });

  it.each([
    ['no document', {}, 'BAD_REQUEST'],
    ['a list', [], 'BAD_REQUEST'],
    ['variables that are none', { query: subscription, variables: 'x' }, 'BAD_REQUEST'],
    ['a syntax error', { query: 'subscription {' }, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', { query: 'subscription { nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['a query', { query }, 'BAD_REQUEST'],
    ['an operation that is not there', { query: subscription, operationName: 'Other' }, 'BAD_USER_INPUT'],
    [
      'a topic without positions',
      { query: 'subscription ($room: ID!) { typing(room: $room) { user { id } } }' },
      'BAD_USER_INPUT',
    ],
    [
      'an order of somebody else',
      { query: `subscription { orderChanged(id: "${encodeNodeId('Order', 'order-1')}") { state } }` },
      'NOT_FOUND',
    ],
  ])('refuses the request with %s, and reads nothing', async (_name, cursor, code) => {
    shop.calls.length = 0;
    const answer = await ask('user-1999', { cursor });
    expect(answer.data ?? undefined).toBeUndefined();
    expect(answer.errors?.map(({ extensions }) => extensions.code)).toEqual([code]);
    expect(shop.calls.filter((call) => /List|Watch/.test(call))).toEqual([]);
  });

  it('is refused with a mutation', async () => {
    const mutation = `mutation { cancelOrder(input: { order: "${encodeNodeId('Order', 'order-1')}" }) { __typename } }`;
    const answer = await ask('user-1', { query: mutation, cursor: { query: subscription } });
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
  });
});

interface Round {
  readonly ask: Ask;
  readonly by: Subscribe;
  /** Ids of all orders that were made so far. */
  readonly made: readonly string[];
}

/** While orders are made: each is in the answer of the query, or comes as an event; and each event once. */
async function readAndFollow(as: string, { ask, by, made }: Round): Promise<void> {
  // The page has more than these and those that are made meanwhile.
  const from = Math.max(0, made.length - 10);
  const { data, errors, extensions } = await ask(as, { cursor: { query: subscription } });
  expect(errors).toBeUndefined();
  const read = data?.viewer.orders.edges.map(({ node }) => node.id) ?? [];
  const readCount = made.length;
  await until(() => made.length >= readCount + 3);
  const resume = extensions?.cursor ?? '';
  const subscriber = by(shop.url, { query: subscription, token: await shop.tokenOf(as), resume });
  await subscriber.live;
  const last = made.length;
  await until(() => made.length > last);
  const wanted = made.slice(from, last);
  const seen = () => subscriber.received.map(({ data: event }) => orderOf(event));
  await until(() => wanted.every((id) => seen().includes(id) || read.includes(id)));
  expect(new Set(seen()).size).toBe(seen().length);
  await subscriber[Symbol.asyncDispose]();
}

function orderOf(event: unknown): string {
  return (event as { orders: { order: { id: string } } }).orders.order.id;
}

async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error('Not so within 10 s.');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
