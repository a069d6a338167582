import {
  defineLoader,
  type UpstreamPage,
  type UpstreamRows,
  WeirError,
  withInputPaths,
} from '../src/index.ts';
import type { PageInfo } from '../upstream-protos/gen/shop/common/v1/page.ts';
import {
  type CancelOrderRequest,
  type GetSalesReportRequest,
  type ListOrdersRequest,
  type Order,
  type OrderFilter,
  OrderServiceService as orders,
  type SalesDay,
  type SubmitOrderHeader,
  type SubmitOrderLine,
  type SubmitOrderRequest,
  type SyncOrdersRequest,
  type SyncOrdersResponse,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import type { ShopContext } from './context.ts';
import { pageRequest, pageRows } from './page.ts';
import { required } from './required.ts';

export { OrderState, SyncOutcome, WarehouseEventKind } from '../upstream-protos/gen/shop/orders/v1/orders.ts';

/** Methods that change nothing, so that a failed call may be tried again. */
export const orderReads = [orders.getOrder, orders.batchGetOrders, orders.listOrders, orders.getSalesReport];

/** The call of each function here that makes one, for the price of the fields that use it. */
export const orderCalls = {
  listOrders: { upstream: 'orders', method: orders.listOrders.path },
  submitOrder: { upstream: 'orders', method: orders.submitOrder.path },
  cancelOrder: { upstream: 'orders', method: orders.cancelOrder.path },
  syncOrders: { upstream: 'orders', method: orders.syncOrders.path },
  salesReport: { upstream: 'orders', method: orders.getSalesReport.path },
} as const;

/** Orders by id, with the members that a read mask names. */
export const orderById = defineLoader({
  name: 'orderById',
  maxBatchSize: 500,
  upstream: 'orders',
  method: orders.batchGetOrders.path,
  keyOf: (order: Order) => order.id,
  fetch: async (ids: readonly string[], readMask: readonly string[], context: ShopContext) => {
    const request = { ids: [...ids], readMask: [...readMask] };
    const response = await context.upstreams.orders.unary(orders.batchGetOrders, request);
    return response.orders;
  },
});

/** One page of the orders that a filter chooses, newest first; it comes as a stream of rows. */
export async function listOrders(
  context: ShopContext,
  filter: OrderFilter,
  readMask: readonly string[],
  page: UpstreamPage,
): Promise<UpstreamRows<Order>> {
  const request = { filter, page: pageRequest(page), readMask: [...readMask] };
  return withInputPaths(orderRows(context, request), { 'filter.customerId': 'filter.customer' });
}

async function orderRows(context: ShopContext, request: ListOrdersRequest): Promise<UpstreamRows<Order>> {
  const rows: Order[] = [];
  let info: PageInfo | undefined;
  const maxMessages = (request.page?.pageSize ?? 0) + 1;
  const messages = context.upstreams.orders.serverStream(orders.listOrders, request).toArray(maxMessages);
  for (const { item } of await messages) {
    if (item?.$case === 'order') rows.push(item.value);
    if (item?.$case === 'page') info = item.value;
  }
  return pageRows(rows, info);
}

/** What was sold on each day of a time, the earliest day first. */
export async function salesDays(
  context: ShopContext,
  request: GetSalesReportRequest,
): Promise<readonly SalesDay[]> {
  const reported = context.upstreams.orders.unary(orders.getSalesReport, request);
  return (await withInputPaths(reported, { fromTime: 'from', toTime: 'to' })).days;
}

/** A new order as it is submitted. */
export interface OrderDraft {
  readonly header: SubmitOrderHeader;
  readonly lines: readonly SubmitOrderLine[];
}

/** Submits an order, part by part; rejects when a part is refused or stock is short, and then nothing has happened. */
export async function submitOrder(context: ShopContext, draft: OrderDraft): Promise<Order> {
  const submitted = context.upstreams.orders.clientStream(orders.submitOrder, partsOf(draft));
  const { order } = await withInputPaths(submitted, {
    'header.note': 'input.note',
    'header.idempotencyKey': 'input.idempotencyKey',
    lines: 'input.lines',
    'lines.#.productId': 'input.lines.#.product',
    'lines.#.quantity': 'input.lines.#.quantity',
  });
  return required(order, 'order');
}

function* partsOf({ header, lines }: OrderDraft): Generator<SubmitOrderRequest> {
  yield { part: { $case: 'header', value: header } };
  for (const line of lines) yield { part: { $case: 'line', value: line } };
}

/** Cancels an order; rejects with `FAILED_PRECONDITION` when it has come too far. */
export async function cancelOrder(context: ShopContext, request: CancelOrderRequest): Promise<Order> {
  const cancelled = context.upstreams.orders.unary(orders.cancelOrder, request);
  const { order } = await withInputPaths(cancelled, { id: 'input.order', reason: 'input.reason' });
  return required(order, 'order');
}

/** Sends events of the warehouse on one call and gives the answers: one for each, in their order. */
export async function syncOrders(
  context: ShopContext,
  events: readonly SyncOrdersRequest[],
): Promise<SyncOrdersResponse[]> {
  const acks = await Array.fromAsync(context.upstreams.orders.duplex(orders.syncOrders, events));
  if (acks.length === events.length) return acks;
  const cause = new Error(`SyncOrders answered ${acks.length} of ${events.length} events.`);
  throw new WeirError('INTERNAL_SERVER_ERROR', { cause });
}
