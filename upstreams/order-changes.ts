import {
  type CancelOrderRequest,
  type CancelOrderResponse,
  OrderState,
  type WatchOrdersRequest,
  type WatchOrdersResponse,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { PaymentState } from '../upstream-protos/gen/shop/payments/v1/payments.ts';
import type { CallContext } from './call-scope.ts';
import { assertId } from './ids.ts';
import { ALL_ORDER_COLUMNS, ORDER_TYPE, type OrderRow, orderFromRow } from './order-rows.ts';
import type { Outbox, OutboxEvent } from './outbox.ts';
import { type Owner, ownedBy, ownerFor } from './ownership.ts';
import { createParams } from './params.ts';
import { failedPrecondition, invalidArgument, notFound } from './status.ts';
import type { Sql, Store } from './store.ts';
import { isStorable, textViolations } from './text.ts';

/** An order that nobody else changes until the transaction ends. */
export interface LockedOrder {
  readonly id: string;
  readonly customer_id: string;
  readonly state: OrderState;
  readonly currency_code: string;
  readonly total_nanos: bigint;
}

/** What an event of the topic 'orders' holds besides its subject, the order, and its owner, the customer. */
export interface OrderChange {
  readonly oldState: OrderState;
  readonly newState: OrderState;
  /** Why, when it was cancelled. */
  readonly reason?: string;
}

export const ORDERS_TOPIC = 'orders';

const CANCELLABLE: readonly OrderState[] = [
  OrderState.ORDER_STATE_PENDING,
  OrderState.ORDER_STATE_PAID,
  OrderState.ORDER_STATE_PACKED,
];
const MAX_REASON = 200;

/**
 * Every change of an order starts here. Locks are taken in one order everywhere, so that no two transactions wait for each
 * other: idempotency key, order, products by id, outbox topic. An order that is not the owner's is not locked: nobody can
 * feel who works on it.
 */
export async function lockOrder(tx: Sql, id: string, owner?: Owner): Promise<LockedOrder | undefined> {
  if (!isStorable(id)) return undefined;
  const { bind, values } = createParams();
  const conditions = [`id = ${bind(id)}`, ...ownedBy(owner, 'customer_id', bind)];
  const [order] = await tx.query<LockedOrder>(
    `SELECT id, customer_id, state, currency_code, total_nanos FROM orders
     WHERE ${conditions.join(' AND ')} FOR NO KEY UPDATE`,
    values,
  );
  return order;
}

/** Moves a locked order to a state and tells of it; the last step of its transaction. */
export async function changeState(
  tx: Sql,
  outbox: Outbox,
  order: LockedOrder,
  newState: OrderState,
  { paymentId = '', reason = '' } = {},
): Promise<OrderRow> {
  const [row] = await tx.query<OrderRow>(
    `UPDATE orders SET state = $2, update_time = clock_timestamp(), payment_id = CASE $3 WHEN '' THEN payment_id ELSE $3 END
     WHERE id = $1 RETURNING ${ALL_ORDER_COLUMNS}`,
    [order.id, newState, paymentId],
  );
  if (!row) throw new Error(`The order ${order.id} was locked and is not there.`);
  const payload: OrderChange = { oldState: order.state, newState, ...(reason && { reason }) };
  await outbox.append(tx, { topic: ORDERS_TOPIC, subject: order.id, owner: order.customer_id, payload });
  return row;
}

/** @throws NOT_FOUND, or FAILED_PRECONDITION with reason ORDER_NOT_CANCELLABLE and the order's `state`. */
export async function cancelOrder(
  { store, outbox }: { store: Store; outbox: Outbox },
  { id, reason }: CancelOrderRequest,
  { signal, caller }: CallContext,
): Promise<CancelOrderResponse> {
  assertId(id, 'id');
  const violations = textViolations('reason', reason, { min: 0, max: MAX_REASON });
  if (violations.length > 0) throw invalidArgument(...violations);
  const row = await store.transaction(async (tx) => {
    const order = await lockOrder(tx, id, ownerFor(caller, 'orders:write'));
    if (!order) throw notFound(ORDER_TYPE, id);
    if (!CANCELLABLE.includes(order.state)) {
      const message = `The order ${id} was shipped, delivered or cancelled already.`;
      throw failedPrecondition('ORDER_NOT_CANCELLABLE', id, message, { state: nameOf(order.state) });
    }
    await giveBack(tx, id);
    return changeState(tx, outbox, order, OrderState.ORDER_STATE_CANCELLED, { reason });
  }, signal);
  return { order: orderFromRow(row) };
}

/** As the proto has it: 'ORDER_STATE_SHIPPED'. */
function nameOf(state: OrderState): string {
  return Object.entries(OrderState).find(([, value]) => value === state)?.[0] ?? String(state);
}

/** The stock, what counts as sold, and the money. */
async function giveBack(tx: Sql, id: string): Promise<void> {
  await tx.query(
    `SELECT FROM products WHERE id IN (SELECT product_id FROM order_lines WHERE order_id = $1)
     ORDER BY id FOR NO KEY UPDATE`,
    [id],
  );
  // An order has one line of a product at most (submit-order.ts).
  await tx.query(
    `UPDATE products SET stock = stock + quantity, units_sold = units_sold - quantity
     FROM order_lines WHERE order_id = $1 AND product_id = products.id`,
    [id],
  );
  const { PAYMENT_STATE_CAPTURED, PAYMENT_STATE_REFUNDED } = PaymentState;
  await tx.query('UPDATE payments SET state = $3 WHERE order_id = $1 AND state = $2', [
    id,
    PAYMENT_STATE_CAPTURED,
    PAYMENT_STATE_REFUNDED,
  ]);
}

/** Ends when the signal aborts. An order that does not exist has no changes, and none is told of one of somebody else. */
export async function* watchOrders(
  outbox: Outbox,
  { customerId, orderId, afterSequence, withStart }: WatchOrdersRequest,
  { signal, caller, sendHeaders: onStart }: CallContext,
): AsyncGenerator<WatchOrdersResponse, void, undefined> {
  if (orderId) assertId(orderId, 'order_id');
  if (customerId) assertId(customerId, 'customer_id');
  const events = outbox.follow({
    topic: ORDERS_TOPIC,
    ...(orderId && { subjects: [orderId] }),
    owner: ownerFor(caller, 'orders:read', customerId),
    after: afterSequence,
    signal,
    onStart,
    ...(withStart && { first: startOf }),
  });
  for await (const event of events) yield 'topic' in event ? changeOf(event) : event;
}

function startOf(sequence: bigint): WatchOrdersResponse {
  const { ORDER_STATE_UNSPECIFIED: unknown } = OrderState;
  return {
    sequence,
    orderId: '',
    customerId: '',
    oldState: unknown,
    newState: unknown,
    changeTime: undefined,
  };
}

function changeOf({ sequence, subject, owner, payload, time }: OutboxEvent): WatchOrdersResponse {
  const { oldState, newState } = payload as OrderChange; // Only changeState and submitOrder write to this topic.
  return { sequence, orderId: subject, customerId: owner, oldState, newState, changeTime: time };
}
