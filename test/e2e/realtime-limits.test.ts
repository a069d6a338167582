import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BudgetCaller } from '../../src/guard/budget/policy.ts';
import { createBudgetPolicy, encodeNodeId } from '../../src/index.ts';
import { busyMs } from '../kit/busy.ts';
import { type Shop, type ShopOptions, startShop } from '../kit/shop.ts';
import { createShopEvents, type ShopEvents } from '../kit/shop-events.ts';
import { type Subscriber, subscribeByWs } from '../kit/subscriber.ts';

let opened: AsyncDisposableStack;
beforeEach(() => {
  opened = new AsyncDisposableStack();
});
afterEach(() => opened.disposeAsync());

interface Opened {
  readonly shop: Shop;
  readonly events: ShopEvents;
  readonly subscribe: (caller: string | null, query: string) => Promise<Subscriber>;
}

async function openShop(options: ShopOptions): Promise<Opened> {
  const shop = await startShop(options);
  opened.defer(() => shop.close());
  await shop.store.query('UPDATE products SET stock = 100000');
  const subscribe = async (caller: string | null, query: string) => {
    const token = caller === null ? {} : { token: await shop.tokenOf(caller) };
    const subscriber = opened.use(subscribeByWs(shop.url, { query, ...token }));
    await subscriber.live;
    return subscriber;
  };
  return { shop, events: createShopEvents(shop), subscribe };
}

/** The budget of whoever is `poor`, which restores next to nothing unless it says so; all others have plenty. */
function budgetOf(
  limitPoints: number,
  isPoor: (caller: BudgetCaller) => boolean,
  restorePerSecond = 0.01,
): ShopOptions {
  const tier = { limitPoints, restorePerSecond };
  const poor = createBudgetPolicy({ principal: tier, anonymous: tier });
  const rich = createBudgetPolicy({ principal: { limitPoints: 1_000_000, restorePerSecond: 1000 } });
  return {
    environment: { WEIR_BUDGET_MODE: 'enforce' },
    policy: (caller, face) => (isPoor(caller) ? poor : rich)(caller, face),
  };
}

async function pointsLeft(shop: Shop, caller: string): Promise<number> {
  const { data } = await shop.askAs<{ rateLimit: { remaining: number } }>(
    caller,
    '{ rateLimit { remaining } }',
  );
  return data?.rateLimit.remaining ?? Number.NaN;
}

const product = encodeNodeId('Product', 'product-1');

describe('the deadline of an event', () => {
  it('is its own: what hangs is null in time, and the next event is whole', async () => {
    const { shop, events, subscribe } = await openShop({ limits: { operationTimeoutMs: 700 } });
    const subscriber = await subscribe(
      'user-1',
      'subscription { orders { state order { customer { id } } } }',
    );
    shop.faults.set('UserService/BatchGetUsers', { hang: true });
    const id = await events.submitOrder('user-1');
    const startedMs = performance.now();
    expect(await subscriber.next()).toMatchObject({
      data: { orders: { state: 'PENDING', order: { customer: null } } },
      errors: [{ extensions: { code: 'UPSTREAM_TIMEOUT' } }],
    });
    expect(performance.now() - startedMs).toBeLessThan(700 + busyMs);
    shop.faults.clear();
    await events.cancelOrder('user-1', id);
    expect((await subscriber.next()).errors).toBeUndefined();
  });
});

describe('the price of a subscription', () => {
  it('is 1 for subscribing, and for each event what it used', async () => {
    const { shop, events, subscribe } = await openShop(budgetOf(100, ({ subject }) => subject === 'user-1'));
    const asking = 1;
    let left = await pointsLeft(shop, 'user-1');
    const spent = async () => {
      const before = left;
      left = await pointsLeft(shop, 'user-1');
      return before - left - asking;
    };
    const query = `subscription { priceChanged(products: ["${product}"]) { price { amount } product { title } } }`;
    const subscriber = await subscribe('user-1', query);
    expect(await spent()).toBe(1);
    for (const units of [1, 2, 3]) {
      await events.setPrice(product, units);
      await subscriber.next();
      // The change and the product.
      expect(await spent()).toBe(2);
    }
  });

  it('has to fit before the source is opened', async () => {
    const { shop, subscribe } = await openShop(budgetOf(3, ({ subject }) => subject === 'user-1'));
    const query = 'subscription { orders { order { customer { id } payment { id } } } }';
    await expect(subscribe('user-1', query)).rejects.toMatchObject([
      { extensions: { code: 'COST_LIMIT_EXCEEDED' } },
    ]);
    expect(shop.calls).toEqual([]);
  });
});

describe('a budget that is spent', () => {
  it('ends a subscription whose events all count, and says why', async () => {
    const reader = { id: '' };
    const { shop, events, subscribe } = await openShop(budgetOf(12, ({ subject }) => subject === reader.id));
    const [row] = await shop.store.query<{ room: string; reader: string; writer: string }>(
      'SELECT room_id AS room, min(user_id) AS reader, max(user_id) AS writer FROM room_members GROUP BY room_id HAVING count(*) > 1 LIMIT 1',
    );
    reader.id = row?.reader ?? '';
    const room = encodeNodeId('Room', row?.room ?? '');
    const query = `subscription { messageAdded(room: "${room}") { text author { id } } }`;
    const subscriber = await subscribe(reader.id, query);
    // 12 points: one to subscribe, and two for each message with its author.
    for (const text of ['1', '2', '3', '4', '5', '6'])
      await events.sendMessage(row?.writer ?? '', room, text);
    expect(await subscriber.ended).toMatchObject([
      { extensions: { code: 'RATE_LIMITED', reason: 'budget' } },
    ]);
    expect(subscriber.received.map(({ data }) => data)).toMatchObject(
      ['1', '2', '3', '4', '5'].map((text) => ({ messageAdded: { text } })),
    );
  });

  it('leaves out prices until there are points again, and tells how many', async () => {
    const { events, subscribe } = await openShop(budgetOf(3, ({ subject }) => subject === 'user-1', 2));
    const query = `subscription { priceChanged(products: ["${product}"]) { price { amount } } }`;
    const subscriber = await subscribe('user-1', query);
    let sent = 0;
    // The first two are paid for; then it takes half a second until there is a point again.
    while (subscriber.received.length < 4) {
      sent += 1;
      await events.setPrice(product, sent);
    }
    const [first, second, gap, last] = subscriber.received;
    expect([first, second]).toMatchObject(
      ['1.00', '2.00'].map((amount) => ({ data: { priceChanged: { price: { amount } } } })),
    );
    const told = last?.data?.['priceChanged'] as { price: { amount: string } } | undefined;
    const dropped = Number(told?.price.amount) - 3;
    expect(dropped).toBeGreaterThan(0);
    expect(gap).toMatchObject({ data: null, extensions: { gap: { dropped, reason: 'budget' } } });
  });
});
