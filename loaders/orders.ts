import { defineLoader, type UpstreamPage, type UpstreamRows } from '../src/index.ts';
import type { PageInfo } from '../upstream-protos/gen/shop/common/v1/page.ts';
import {
  type Order,
  type OrderFilter,
  OrderServiceService as orders,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import type { ShopContext } from './context.ts';
import { pageRequest, pageRows } from './page.ts';

export { OrderState } from '../upstream-protos/gen/shop/orders/v1/orders.ts';

/** Methods that change nothing, so that a failed call may be tried again. */
export const orderReads = [orders.getOrder, orders.batchGetOrders, orders.listOrders];

/** Orders by id, with the members that a read mask names. */
export const orderById = defineLoader({
  name: 'orderById',
  maxBatchSize: 500,
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
  const rows: Order[] = [];
  let info: PageInfo | undefined;
  for await (const { item } of context.upstreams.orders.serverStream(orders.listOrders, request)) {
    if (item?.$case === 'order') rows.push(item.value);
    if (item?.$case === 'page') info = item.value;
  }
  return pageRows(rows, info);
}
