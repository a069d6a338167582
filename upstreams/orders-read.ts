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
import type { CallContext } from './call-scope.ts';
import { assertId, distinctIds } from './ids.ts';
import { selectFields } from './mask.ts';
import { ORDER_COLUMNS, ORDER_TYPE, type OrderRow, orderFromRow, readOrders } from './order-rows.ts';
import { type Owner, ownedBy, ownerFor } from './ownership.ts';
import { type PageList, type PageSource, planPage, readPage } from './page.ts';
import { invalidArgument, notFound } from './status.ts';
import type { Store } from './store.ts';

/** @throws NOT_FOUND when there is no such order, or it is somebody else's. */
export async function getOrder(
  store: Store,
  { id, readMask }: GetOrderRequest,
  { signal, caller }: CallContext,
): Promise<GetOrderResponse> {
  const { columns } = selectFields(readMask, ORDER_COLUMNS);
  assertId(id, 'id');
  const owner = ownerFor(caller, 'orders:read');
  const [row] = await readOrders(store, [id], columns.join(', '), { owner, signal });
  if (!row) throw notFound(ORDER_TYPE, id);
  return { order: orderFromRow(row) };
}

/** The orders of these ids that exist and that the caller may see, each once. */
export async function batchGetOrders(
  store: Store,
  { ids, readMask }: BatchGetOrdersRequest,
  { signal, caller }: CallContext,
): Promise<BatchGetOrdersResponse> {
  const { columns } = selectFields(readMask, ORDER_COLUMNS);
  const owner = ownerFor(caller, 'orders:read');
  const rows = await readOrders(store, distinctIds(ids), columns.join(', '), { owner, signal });
  return { orders: rows.map(orderFromRow) };
}

/** The rows of one page of what the caller may see, then where they stand. */
export async function* listOrders(
  store: Store,
  { page, filter, readMask }: ListOrdersRequest,
  { signal, caller }: CallContext,
): AsyncGenerator<ListOrdersResponse, void, undefined> {
  const { columns } = selectFields(readMask, ORDER_COLUMNS);
  const { customerId, state } = filterOf(filter);
  const owner = ownerFor(caller, 'orders:read', customerId);
  const list = orderList(owner, state);
  const source: PageSource = {
    list,
    plan: planPage(list, page),
    from: 'orders',
    columns,
    where: (bind) => [...ownedBy(owner, 'customer_id', bind), ...(state ? [`state = ${bind(state)}`] : [])],
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
function orderList(owner: Owner, state: OrderState): PageList {
  return {
    name: 'orders',
    // Nobody's orders are no rows, so no token is ever of them.
    scope: [owner ?? '', state],
    keys: [
      { column: 'create_time', type: 'timestamptz' },
      { column: 'id', type: 'text' },
    ],
    descending: true,
  };
}
