import { once } from 'node:events';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  OrderServiceService as methods,
  OrderState,
  type SyncOrdersRequest,
  type SyncOrdersResponse,
  SyncOutcome,
  WarehouseEventKind,
} from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import { syncOrders } from '../../upstreams/sync-orders.ts';
import { contend, lockOf, openDuplex, openServices, type Services } from './services.ts';

const { WAREHOUSE_EVENT_KIND_PACKED: PACKED, WAREHOUSE_EVENT_KIND_SHIPPED: SHIPPED } = WarehouseEventKind;
const { WAREHOUSE_EVENT_KIND_DELIVERED: DELIVERED } = WarehouseEventKind;
const { SYNC_OUTCOME_APPLIED: APPLIED, SYNC_OUTCOME_UNCHANGED: UNCHANGED } = SyncOutcome;
const { SYNC_OUTCOME_REFUSED: REFUSED, SYNC_OUTCOME_NOT_FOUND: NOT_FOUND } = SyncOutcome;

type Call = ClientDuplexStream<SyncOrdersRequest, SyncOrdersResponse>;

let services: Services;
beforeAll(async () => {
  services = await openServices();
});
afterAll(async () => {
  expect(services.logs).toEqual([]);
  await services.close();
});

const openSync = (): Call => openDuplex(services.client, methods.syncOrders);

/** Puts the orders 1 to `count` into a state; answers their ids. */
async function ordersIn(state: OrderState, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `order-${i + 1}`);
  await services.store.query('UPDATE orders SET state = $1 WHERE id = ANY($2)', [state, ids]);
  return ids;
}

async function stateOf(id: string): Promise<number | undefined> {
  const rows = await services.store.query<{ state: number }>('SELECT state FROM orders WHERE id = $1', [id]);
  return rows[0]?.state;
}

/** Writes as the stream takes it, then half-closes. */
async function writeAll(call: Call, events: readonly SyncOrdersRequest[]): Promise<void> {
  for (const event of events) if (!call.write(event)) await once(call, 'drain');
  call.end();
}

async function readAll(call: Call): Promise<SyncOrdersResponse[]> {
  const answers: SyncOrdersResponse[] = [];
  for await (const answer of call) answers.push(answer as SyncOrdersResponse); // grpc-js types its streams as of any.
  return answers;
}

async function sync(events: readonly SyncOrdersRequest[]): Promise<SyncOrdersResponse[]> {
  const call = openSync();
  const [answers] = await Promise.all([readAll(call), writeAll(call, events)]);
  return answers;
}

describe('syncOrders()', () => {
  it('answers an event once it is committed, before the next is sent', async () => {
    const [id = ''] = await ordersIn(OrderState.ORDER_STATE_PAID, 1);
    const call = openSync();
    const answers = call[Symbol.asyncIterator]();
    const steps = [
      [PACKED, OrderState.ORDER_STATE_PACKED],
      [SHIPPED, OrderState.ORDER_STATE_SHIPPED],
      [DELIVERED, OrderState.ORDER_STATE_DELIVERED],
    ] as const;
    for (const [kind, state] of steps) {
      call.write({ eventId: `event-${kind}`, orderId: id, kind });
      expect((await answers.next()).value).toEqual({ eventId: `event-${kind}`, outcome: APPLIED, state });
      // Seen from another connection.
      expect(await stateOf(id)).toBe(state);
    }
    call.end();
    expect((await answers.next()).done).toBe(true);
    const events = await services.store.query(
      `SELECT payload FROM outbox WHERE topic = 'orders' AND subject = $1 ORDER BY sequence`,
      [id],
    );
    expect(events).toEqual([2, 3, 4].map((oldState) => ({ payload: { oldState, newState: oldState + 1 } })));
  });

  it('answers 1,000 pipelined events in their order, the bad ones too', async () => {
    const ids = await ordersIn(OrderState.ORDER_STATE_PAID, 1_000);
    // Every tenth is bad, in three ways; ids of 1 KB, so that the answers are more than the connection's window.
    const bad = [
      { orderId: 'order-0', kind: PACKED },
      { orderId: 'order-\0', kind: PACKED },
      { orderId: 'order-1', kind: WarehouseEventKind.WAREHOUSE_EVENT_KIND_UNSPECIFIED },
    ] as const;
    const events = ids.map((orderId, i): SyncOrdersRequest => {
      const event = i % 10 === 9 ? bad[(i % 3) as 0 | 1 | 2] : { orderId, kind: PACKED }; // A remainder of 3.
      return { eventId: `${i}`.padEnd(1_000, '.'), ...event };
    });
    const answers = await sync(events);
    expect(answers.map(({ eventId }) => eventId)).toEqual(events.map(({ eventId }) => eventId));
    const expected = events.map(({ kind }, i) =>
      i % 10 !== 9 ? APPLIED : kind === PACKED ? NOT_FOUND : REFUSED,
    );
    expect(answers.map(({ outcome }) => outcome)).toEqual(expected);
    const [row] = await services.store.query(
      'SELECT count(*)::int AS n FROM orders WHERE id = ANY($1) AND state = 3',
      [ids],
    );
    expect(row).toEqual({ n: 900 });
  });

  const { ORDER_STATE_PENDING, ORDER_STATE_PAID, ORDER_STATE_PACKED, ORDER_STATE_SHIPPED } = OrderState;
  const { ORDER_STATE_DELIVERED, ORDER_STATE_CANCELLED } = OrderState;
  /** For each state: what the events PACKED, SHIPPED and DELIVERED come to. */
  it.each([
    [ORDER_STATE_PENDING, [REFUSED, REFUSED, REFUSED]],
    [ORDER_STATE_PAID, [APPLIED, REFUSED, REFUSED]],
    [ORDER_STATE_PACKED, [UNCHANGED, APPLIED, REFUSED]],
    [ORDER_STATE_SHIPPED, [UNCHANGED, UNCHANGED, APPLIED]],
    [ORDER_STATE_DELIVERED, [UNCHANGED, UNCHANGED, UNCHANGED]],
    [ORDER_STATE_CANCELLED, [REFUSED, REFUSED, REFUSED]],
  ])('judges each event by the state %i', async (state, outcomes) => {
    const ids = await ordersIn(state, 3);
    const kinds = [PACKED, SHIPPED, DELIVERED];
    const events = kinds.map((kind, i) => ({ eventId: `${i}`, orderId: ids[i] ?? '', kind }));
    const answers = await sync(events);
    expect(answers.map(({ outcome }) => outcome)).toEqual(outcomes);
    for (const [i, answer] of answers.entries()) {
      expect(answer.state).toBe(answer.outcome === APPLIED ? state + 1 : state);
      expect(await stateOf(ids[i] ?? '')).toBe(answer.state);
    }
  });

  it('applies an event once when two calls send it at the same time', async () => {
    const [orderId = ''] = await ordersIn(OrderState.ORDER_STATE_PAID, 1);
    const outcomes = await contend(services, lockOf(orderId), () =>
      [1, 2].map(() => sync([{ eventId: 'same', orderId, kind: PACKED }])),
    );
    const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    expect(answers.map(({ outcome }) => outcome).toSorted()).toEqual([APPLIED, UNCHANGED]);
  });

  it('keeps what was answered when the caller leaves, and stops', async () => {
    const ids = await ordersIn(OrderState.ORDER_STATE_PAID, 500);
    const call = openSync();
    call.on('error', () => {}); // The cancellation below.
    for (const orderId of ids) call.write({ eventId: orderId, orderId, kind: PACKED });
    const answered: SyncOrdersResponse[] = [];
    for await (const answer of call) {
      answered.push(answer as SyncOrdersResponse); // grpc-js types its streams as of any.
      if (answered.length === 20) break;
    }
    call.cancel();
    // Events are applied in order, so the first one that is not marks the end once it has stopped.
    let applied = -1;
    for (let seen = -2; seen !== applied; ) {
      seen = applied;
      await sync(ids.slice(0, 20).map((orderId) => ({ eventId: '', orderId, kind: PACKED })));
      const [row] = await services.store.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM orders WHERE id = ANY($1) AND state = 3',
        [ids],
      );
      applied = row?.n ?? 0;
    }
    expect(applied).toBeGreaterThanOrEqual(20);
    expect(applied).toBeLessThan(500);
  });

  it('reads an event only when the answer to the last one has been taken', async () => {
    let read = 0;
    const source = async function* (): AsyncGenerator<SyncOrdersRequest> {
      for (;;) yield { eventId: `${++read}`, orderId: 'order-0', kind: PACKED };
    };
    const answers = syncOrders(services, source(), new AbortController().signal);
    for (const expected of [1, 2, 3]) {
      await answers.next();
      expect(read).toBe(expected);
    }
    await answers.return();
  });
});
