import {
  OrderState,
  type SyncOrdersRequest,
  type SyncOrdersResponse,
  SyncOutcome,
  WarehouseEventKind,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { changeState, type LockedOrder, lockOrder } from './order-changes.ts';
import type { Outbox } from './outbox.ts';
import type { Store } from './store.ts';

/** Where each event takes an order, and from where. */
const MOVES: Readonly<Partial<Record<WarehouseEventKind, { from: OrderState; to: OrderState }>>> = {
  [WarehouseEventKind.WAREHOUSE_EVENT_KIND_PACKED]: {
    from: OrderState.ORDER_STATE_PAID,
    to: OrderState.ORDER_STATE_PACKED,
  },
  [WarehouseEventKind.WAREHOUSE_EVENT_KIND_SHIPPED]: {
    from: OrderState.ORDER_STATE_PACKED,
    to: OrderState.ORDER_STATE_SHIPPED,
  },
  [WarehouseEventKind.WAREHOUSE_EVENT_KIND_DELIVERED]: {
    from: OrderState.ORDER_STATE_SHIPPED,
    to: OrderState.ORDER_STATE_DELIVERED,
  },
};

/**
 * One answer for each event, in order, once it is committed: one transaction for each, so that a bad event spoils no other.
 * The next event is read when the answer to the last one has been taken.
 */
export async function* syncOrders(
  { store, outbox }: { store: Store; outbox: Outbox },
  events: AsyncIterable<SyncOrdersRequest>,
  signal: AbortSignal,
): AsyncGenerator<SyncOrdersResponse, void, undefined> {
  for await (const { eventId, orderId, kind } of events) {
    const answer = await store.transaction(async (tx) => {
      const order = await lockOrder(tx, orderId);
      if (!order) {
        return { outcome: SyncOutcome.SYNC_OUTCOME_NOT_FOUND, state: OrderState.ORDER_STATE_UNSPECIFIED };
      }
      const { outcome, state } = judge(order, kind);
      if (outcome === SyncOutcome.SYNC_OUTCOME_APPLIED) await changeState(tx, outbox, order, state);
      return { outcome, state };
    }, signal);
    yield { eventId, ...answer };
  }
}

/** What an event does to an order, and the order's state afterwards. */
function judge({ state }: LockedOrder, kind: WarehouseEventKind): Omit<SyncOrdersResponse, 'eventId'> {
  const move = MOVES[kind];
  if (state === move?.from) return { outcome: SyncOutcome.SYNC_OUTCOME_APPLIED, state: move.to };
  const passed = move && state >= move.to && state <= OrderState.ORDER_STATE_DELIVERED;
  return { outcome: passed ? SyncOutcome.SYNC_OUTCOME_UNCHANGED : SyncOutcome.SYNC_OUTCOME_REFUSED, state };
}
