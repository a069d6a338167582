import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeNodeId } from '../../src/index.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { createShopEvents, type ShopEvents } from '../kit/shop-events.ts';
import {
  type Subscribe,
  type Subscriber,
  subscribeByEventSource,
  subscribeBySingleSse,
  subscribeBySse,
  subscribeByWs,
  type Wanted,
} from '../kit/subscriber.ts';

let shop: Shop;
let events: ShopEvents;
let room: string;
/** Two of its members. */
let member: string;
let other: string;
/** Who is none. */
let stranger: string;
/** Of another room, which one test alone reads. */
let quiet: { readonly room: string; readonly members: readonly string[] };
let opened: AsyncDisposableStack;

beforeAll(async () => {
  shop = await startShop();
  events = createShopEvents(shop);
  await shop.store.query('UPDATE products SET stock = 100000');
  const [row, next] = await shop.store.query<{ id: string; members: string[]; stranger: string }>(
    `SELECT rooms.id, array_agg(user_id ORDER BY user_id) AS members,
       (SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM room_members m WHERE m.room_id = rooms.id) LIMIT 1) AS stranger
     FROM rooms JOIN room_members ON room_id = rooms.id GROUP BY rooms.id HAVING count(*) >= 2 ORDER BY rooms.id LIMIT 2`,
  );
  room = encodeNodeId('Room', row?.id ?? '');
  [member = '', other = ''] = row?.members ?? [];
  stranger = row?.stranger ?? '';
  quiet = { room: encodeNodeId('Room', next?.id ?? ''), members: next?.members ?? [] };
});
afterAll(() => shop?.close());

beforeEach(() => {
  opened = new AsyncDisposableStack();
});
afterEach(async () => {
  shop.faults.clear();
  await opened.disposeAsync();
});

interface Asked extends Omit<Wanted, 'token'> {
  readonly by?: Subscribe;
  /** Null: without a token. */
  readonly as: string | { readonly sub: string; readonly scope: string } | null;
}

/** Subscribes, without waiting for it to be live. */
async function open({ by = subscribeByWs, as: caller, ...wanted }: Asked): Promise<Subscriber> {
  const { sub, scope } =
    typeof caller === 'string' ? { sub: caller, scope: '' } : (caller ?? { sub: '', scope: '' });
  const token = caller === null ? {} : { token: await shop.tokenOf(sub, scope) };
  return opened.use(by(shop.url, { ...wanted, ...token }));
}

/** Subscribes, and waits until nothing can be missed any more. */
async function subscribe(asked: Asked): Promise<Subscriber> {
  const subscriber = await open(asked);
  await subscriber.live;
  return subscriber;
}

/** The errors that a subscription ended with: graphql-ws fails with them, the others give them as a result. */
async function refusalOf(subscriber: Subscriber): Promise<unknown> {
  const ended = await subscriber.ended;
  return subscriber.received.at(-1)?.errors ?? ended;
}

const orders = 'subscription { orders { previousState state order { id state customer { id } } } }';
const orderChanged =
  'subscription ($id: ID!) { orderChanged(id: $id) { previousState state order { id state } } }';
const priceChanged =
  'subscription ($products: [ID!]) { priceChanged(products: $products) { previousPrice { amount } price { amount } product { id title } } }';
const messageAdded = 'subscription ($room: ID!) { messageAdded(room: $room) { text author { id } } }';
const typing = 'subscription ($room: ID!) { typing(room: $room) { user { id } } }';
const product = (n: number) => encodeNodeId('Product', `product-${n}`);
const user = (id: string) => encodeNodeId('User', id);

const transports: readonly (readonly [string, Subscribe])[] = [
  ['graphql-ws', subscribeByWs],
  ['graphql-sse, distinct', subscribeBySse],
  ['graphql-sse, single', subscribeBySingleSse],
  ['EventSource', subscribeByEventSource],
];

describe.each(transports)('over %s', (_name, by) => {
  it('orders tells its customer of each order that is made or changes', async () => {
    const subscriber = await subscribe({ by, as: 'user-1', query: orders });
    await events.submitOrder('user-2');
    const id = await events.submitOrder('user-1');
    const order = { id, customer: { id: user('user-1') } };
    expect((await subscriber.next()).data).toEqual({
      orders: { previousState: null, state: 'PENDING', order: { ...order, state: 'PENDING' } },
    });
    await events.cancelOrder('user-1', id);
    expect((await subscriber.next()).data).toEqual({
      orders: { previousState: 'PENDING', state: 'CANCELLED', order: { ...order, state: 'CANCELLED' } },
    });
  });

  it('orderChanged tells of one order', async () => {
    const id = await events.submitOrder('user-1');
    const subscriber = await subscribe({ by, as: 'user-1', query: orderChanged, variables: { id } });
    await events.submitOrder('user-1');
    await events.cancelOrder('user-1', id);
    expect((await subscriber.next()).data).toMatchObject({
      orderChanged: { state: 'CANCELLED', order: { id } },
    });
  });

  it('priceChanged tells everybody of the products that they chose', async () => {
    const chosen = { products: [product(7), product(8)] };
    const subscriber = await subscribe({ by, as: null, query: priceChanged, variables: chosen });
    const all = await subscribe({ by, as: null, query: priceChanged });
    await events.setPrice(product(9), 5);
    await events.setPrice(product(8), 6);
    expect((await subscriber.next()).data).toMatchObject({
      priceChanged: { price: { amount: '6.00' }, product: { id: product(8) } },
    });
    expect((await all.next()).data).toMatchObject({ priceChanged: { product: { id: product(9) } } });
    expect((await all.next()).data).toMatchObject({ priceChanged: { product: { id: product(8) } } });
  });

  it('messageAdded tells the members of a room', async () => {
    const subscriber = await subscribe({ by, as: member, query: messageAdded, variables: { room } });
    await events.sendMessage(other, room, 'Grüezi');
    expect((await subscriber.next()).data).toEqual({
      messageAdded: { text: 'Grüezi', author: { id: user(other) } },
    });
  });

  it('typing tells the members of a room', async () => {
    const subscriber = await subscribe({ by, as: member, query: typing, variables: { room } });
    await events.setTyping(other, room);
    expect((await subscriber.next()).data).toEqual({ typing: { user: { id: user(other) } } });
  });
});

describe('who may subscribe', () => {
  const refusals: readonly (readonly [string, () => Asked, string])[] = [
    [
      'an order of somebody else',
      () => ({ as: 'user-2', query: orderChanged, variables: { id: mine } }),
      'NOT_FOUND',
    ],
    [
      'an order without a token',
      () => ({ as: null, query: orderChanged, variables: { id: mine } }),
      'UNAUTHENTICATED',
    ],
    ['orders without a token', () => ({ as: null, query: orders }), 'UNAUTHENTICATED'],
    [
      'orders of another customer',
      () => ({ as: 'user-2', query: `subscription { orders(customer: "${user('user-1')}") { state } }` }),
      'FORBIDDEN',
    ],
    [
      'messages of a room of others',
      () => ({ as: stranger, query: messageAdded, variables: { room } }),
      'NOT_FOUND',
    ],
    ['typing in a room of others', () => ({ as: stranger, query: typing, variables: { room } }), 'NOT_FOUND'],
    ['no products', () => ({ as: null, query: priceChanged, variables: { products: [] } }), 'BAD_USER_INPUT'],
    [
      'too many products',
      () => ({
        as: null,
        query: priceChanged,
        variables: { products: Array.from({ length: 101 }, (_, i) => product(i)) },
      }),
      'BAD_USER_INPUT',
    ],
  ];
  let mine: string;
  beforeAll(async () => {
    mine = await events.submitOrder('user-1');
  });

  it.each(refusals)('refuses %s, and opens nothing', async (_name, asked, code) => {
    shop.calls.length = 0;
    const subscriber = await open(asked());
    const refusal = await subscriber.ended;
    expect(refusal).toMatchObject([{ extensions: { code } }]);
    expect(shop.calls.filter((call) => call.includes('/Watch'))).toEqual([]);
  });

  it('an operator with the scope follows the orders of all, or of one customer', async () => {
    const as = { sub: 'operator-1', scope: 'orders:read' };
    const all = await subscribe({ as, query: orders });
    const query = `subscription { orders(customer: "${user('user-2')}") { order { id } } }`;
    const one = await subscribe({ as, query });
    const first = await events.submitOrder('user-1');
    const second = await events.submitOrder('user-2');
    expect((await all.next()).data).toMatchObject({ orders: { order: { id: first } } });
    expect((await all.next()).data).toMatchObject({ orders: { order: { id: second } } });
    expect((await one.next()).data).toMatchObject({ orders: { order: { id: second } } });
  });

  it('setTyping is for members of the room', async () => {
    await expect(events.setTyping(stranger, room)).rejects.toMatchObject({
      errors: [{ extensions: { code: 'NOT_FOUND' } }],
    });
    const operator = { sub: stranger, scope: 'chat:read' };
    await expect(events.setTyping(operator, room)).rejects.toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    });
  });
});

describe('one execution for each audience', () => {
  const countOf = (method: string) => shop.calls.filter((call) => call === method).length;

  it('asks the upstream once for an event that everybody reads', async () => {
    const query =
      'subscription Shared($products: [ID!]) { priceChanged(products: $products) { product { id title } } }';
    const variables = { products: [product(20)] };
    const readers = await Promise.all(
      transports.flatMap(([, by]) => [
        subscribe({ by, as: null, query, variables }),
        subscribe({ by, as: 'user-3', query, variables }),
      ]),
    );
    shop.calls.length = 0;
    for (const units of [1, 2, 3]) {
      await events.setPrice(product(20), units);
      for (const reader of readers)
        expect((await reader.next()).data).toMatchObject({ priceChanged: { product: { id: product(20) } } });
    }
    expect(shop.calls).toEqual(Array.from({ length: 3 }, () => 'CatalogService/BatchGetProducts'));
  });

  it('114: asks once for each viewer of a private one, with one stream each', async () => {
    const { room: quietRoom, members } = quiet;
    const [one = '', two = ''] = members;
    const query = 'subscription ($room: ID!) { messageAdded(room: $room) { author { displayName } } }';
    shop.calls.length = 0;
    const readers = await Promise.all(
      [one, one, one, two, two].map((as) => subscribe({ as, query, variables: { room: quietRoom } })),
    );
    expect(countOf('ChatService/WatchRoom')).toBe(2);
    shop.calls.length = 0;
    await events.sendMessage(one, quietRoom, 'to all');
    for (const reader of readers) expect((await reader.next()).errors).toBeUndefined();
    expect(countOf('UserService/BatchGetUsers')).toBe(2);
  });

  it('reads each event with fresh loaders', async () => {
    const id = await events.submitOrder('user-4');
    const subscriber = await subscribe({ as: 'user-4', query: orders });
    shop.calls.length = 0;
    await events.cancelOrder('user-4', id);
    expect((await subscriber.next()).data).toMatchObject({ orders: { order: { state: 'CANCELLED' } } });
    const again = await events.submitOrder('user-4');
    expect((await subscriber.next()).data).toMatchObject({
      orders: { order: { id: again, state: 'PENDING' } },
    });
    await events.cancelOrder('user-4', again);
    expect((await subscriber.next()).data).toMatchObject({
      orders: { order: { id: again, state: 'CANCELLED' } },
    });
    expect(countOf('OrderService/BatchGetOrders')).toBe(3);
  });
});

describe('what goes wrong in an event', () => {
  it('is null with an error there, and the next event is whole', async () => {
    const subscriber = await subscribe({ as: 'user-5', query: orders });
    shop.faults.set('UserService/BatchGetUsers', { code: 'PERMISSION_DENIED' });
    const id = await events.submitOrder('user-5');
    expect(await subscriber.next()).toMatchObject({
      data: { orders: { state: 'PENDING', order: { id, customer: null } } },
      errors: [{ path: ['orders', 'order', 'customer'], extensions: { code: 'FORBIDDEN' } }],
    });
    shop.faults.clear();
    await events.cancelOrder('user-5', id);
    const next = await subscriber.next();
    expect(next.errors).toBeUndefined();
    expect(next.data).toMatchObject({ orders: { order: { customer: { id: user('user-5') } } } });
  });

  it.each([
    ['fails', { code: 'UNAVAILABLE' }],
    ['loses its connection', { disconnect: true }],
  ] as const)('a stream that %s is opened again, and nothing is lost or doubled', async (_name, fault) => {
    // Each stream ends behind its start and one event.
    shop.faults.set('CatalogService/WatchPrices', { ...fault, afterMessages: 2, times: 4 });
    const variables = { products: [product(30)] };
    const query =
      'subscription ($products: [ID!]) { priceChanged(products: $products) { price { amount } } }';
    const subscriber = await subscribe({ as: null, query, variables });
    const prices = Array.from({ length: 12 }, (_, n) => n + 1);
    for (const price of prices) await events.setPrice(product(30), price);
    const seen: unknown[] = [];
    for (const _price of prices) seen.push((await subscriber.next()).data);
    expect(seen).toEqual(prices.map((amount) => ({ priceChanged: { price: { amount: `${amount}.00` } } })));
    await events.setPrice(product(30), 13);
    expect((await subscriber.next()).data).toEqual({ priceChanged: { price: { amount: '13.00' } } });
  });
});

describe('coming back with a cursor', () => {
  const withCursors = transports.filter(([, by]) => by !== subscribeBySse);
  const pairs = withCursors.flatMap(([from, left]) =>
    withCursors.map(([to, right]) => [from, to, left, right] as const),
  );
  const query = 'subscription Resumed($room: ID!) { messageAdded(room: $room) { text } }';
  const textOf = ({ data }: { readonly data?: unknown }) =>
    (data as { messageAdded: { text: string } }).messageAdded.text;

  it.each(pairs)(
    'from %s to %s brings all that was missed, once and in order',
    async (_from, _to, left, right) => {
      const before = await subscribe({ by: left, as: member, query, variables: { room } });
      await events.sendMessage(member, room, 'seen');
      const { cursor } = await before.next();
      await before[Symbol.asyncDispose]();
      for (const text of ['a', 'b', 'c']) await events.sendMessage(other, room, text);
      if (cursor === undefined) throw new Error('The event had no cursor.');
      const after = await subscribe({ by: right, as: member, query, variables: { room }, resume: cursor });
      await events.sendMessage(other, room, 'd');
      const texts = [await after.next(), await after.next(), await after.next(), await after.next()].map(
        textOf,
      );
      expect(texts).toEqual(['a', 'b', 'c', 'd']);
    },
  );

  it('says that all was recovered', async () => {
    const before = await subscribe({ as: member, query, variables: { room } });
    const { cursor } = await before.live;
    expect(cursor).toEqual(expect.any(String));
    const after = await open({ as: member, query, variables: { room }, resume: cursor ?? '' });
    expect(await after.live).toMatchObject({ recovered: true });
  });

  it.each([
    ['another user', () => ({ as: other, query, variables: { room } })],
    ['other scopes', () => ({ as: { sub: member, scope: 'chat:read' }, query, variables: { room } })],
    ['another subscription', () => ({ as: member, query: orders })],
  ])('refuses the cursor of %s', async (_name, asked) => {
    const mine = await subscribe({ as: member, query, variables: { room } });
    const { cursor = '' } = await mine.live;
    for (const [, by] of withCursors) {
      const theirs = await open({ by, resume: cursor, ...asked() });
      expect(await refusalOf(theirs)).toMatchObject([{ extensions: { code: 'INVALID_CURSOR' } }]);
    }
  });
});
