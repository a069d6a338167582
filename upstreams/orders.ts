import {
  OrderServiceService as methods,
  type OrderServiceServer,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { createHandlers } from './handler.ts';
import { cancelOrder, watchOrders } from './order-changes.ts';
import { batchGetOrders, getOrder, listOrders } from './orders-read.ts';
import { assertMay } from './ownership.ts';
import { getSalesReport } from './sales-report.ts';
import type { ServiceDeps } from './service-deps.ts';
import { submitOrder } from './submit-order.ts';
import { syncOrders } from './sync-orders.ts';

/** shop.orders.v1.OrderService on the tables orders and order_lines. */
export function createOrderService(deps: ServiceDeps): OrderServiceServer {
  const { store, outbox } = deps;
  const { unary, serverStream, clientStream, duplex } = createHandlers(deps);
  return {
    getOrder: unary(methods.getOrder, (request, context) => getOrder(store, request, context)),
    batchGetOrders: unary(methods.batchGetOrders, (request, context) =>
      batchGetOrders(store, request, context),
    ),
    listOrders: serverStream(methods.listOrders, (request, context) => listOrders(store, request, context)),
    submitOrder: clientStream(methods.submitOrder, (parts, context) => submitOrder(deps, parts, context)),
    syncOrders: duplex(methods.syncOrders, (events, { signal, caller }) => {
      assertMay(caller, 'orders:write');
      return syncOrders(deps, events, signal);
    }),
    cancelOrder: unary(methods.cancelOrder, (request, context) => cancelOrder(deps, request, context)),
    getSalesReport: unary(methods.getSalesReport, (request, context) =>
      getSalesReport(store, request, context),
    ),
    watchOrders: serverStream(methods.watchOrders, (request, context) =>
      watchOrders(outbox, request, context),
    ),
  };
}
