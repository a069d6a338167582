import {
  type BatchGetOrdersRequest,
  type BatchGetOrdersResponse,
  type GetOrderRequest,
  type GetOrderResponse,
  type ListOrdersRequest,
  type ListOrdersResponse,
  type OrderFilter,
  OrderState,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { assertId, distinctIds } from './ids.ts';
import { selectFields } from './mask.ts';
import { ORDER_COLUMNS, ORDER_TYPE, type OrderRow, orderFromRow, readOrders } from './order-rows.ts';
import { type PageList, type PageSource, planPage, readPage } from './page.ts';
import { invalidArgument, notFound } from './status.ts';
import type { Store } from './store.ts';

/** @throws NOT_FOUND when there is no such order. */
export async function getOrder(
  store: Store,
  { id, readMask }: GetOrderRequest,
  signal: AbortSignal,
): Promise<GetOrderResponse> {
  const { columns } = selectFields(readMask, ORDER_COLUMNS);
  assertId(id, 'id');
  const [row] = await readOrders(store, [id], columns.join(', '), signal);
  if (!row) throw notFound(ORDER_TYPE, id);
  return { order: orderFromRow(row) };
}

/** The orders of these ids that exist, each once. */
export async function batchGetOrders(
  store: Store,
  { ids, readMask }: BatchGetOrdersRequest,
  signal: AbortSignal,
): Promise<BatchGetOrdersResponse> {
  const { columns } = selectFields(readMask, ORDER_COLUMNS);
  const rows = await readOrders(store, distinctIds(ids), columns.join(', '), signal);
  return { orders: rows.map(orderFromRow) };
}

/** The rows of one page, then where they stand. */
export async function* listOrders(
  store: Store,
  { page, filter, readMask }: ListOrdersRequest,
  signal: AbortSignal,
): AsyncGenerator<ListOrdersResponse, void, undefined> {
  const { columns } = selectFields(readMask, ORDER_COLUMNS);
  const selected = filterOf(filter);
  const list = orderList(selected);
  const source: PageSource = {
    list,
    plan: planPage(list, page),
    from: 'orders',
    columns,
    where: (bind) => [
      ...(selected.customerId ? [`customer_id = ${bind(selected.customerId)}`] : []),
      ...(selected.state ? [`state = ${bind(selected.state)}`] : []),
    ],
  };
  const { rows, info } = await readPage<OrderRow>(store, source, signal);
  for (const row of rows) yield { item: { $case: 'order', value: orderFromRow(row) } };
  yield { item: { $case: 'page', value: info } };
}

function filterOf({ customerId, state }: OrderFilter = { customerId: '', state: 0 }): OrderFilter {
  if (!Object.values<number>(OrderState).includes(state))
    throw invalidArgument({ field: 'filter.state', description: `${state} is not a state` });
  if (customerId) assertId(customerId, 'filter.customer_id');
  return { customerId, state };
}

/** Newest first. The filter's columns come before these two in the index that serves it. */
function orderList({ customerId, state }: OrderFilter): PageList {
  return {
    name: 'orders',
    scope: [customerId, state],
    keys: [
      { column: 'create_time', type: 'timestamptz' },
      { column: 'id', type: 'text' },
    ],
    descending: true,
  };
}
