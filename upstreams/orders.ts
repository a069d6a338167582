import {
  OrderServiceService as methods,
  type OrderServiceServer,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { createHandlers } from './handler.ts';
import { cancelOrder, watchOrders } from './order-changes.ts';
import { batchGetOrders, getOrder, listOrders } from './orders-read.ts';
import type { ServiceDeps } from './service-deps.ts';
import { submitOrder } from './submit-order.ts';
import { syncOrders } from './sync-orders.ts';

/** shop.orders.v1.OrderService on the tables orders and order_lines. */
export function createOrderService(deps: ServiceDeps): OrderServiceServer {
  const { store, outbox } = deps;
  const { unary, serverStream, clientStream, duplex } = createHandlers(deps);
  return {
    getOrder: unary(methods.getOrder, (request, { signal }) => getOrder(store, request, signal)),
    batchGetOrders: unary(methods.batchGetOrders, (request, { signal }) =>
      batchGetOrders(store, request, signal),
    ),
    listOrders: serverStream(methods.listOrders, (request, { signal }) => listOrders(store, request, signal)),
    submitOrder: clientStream(methods.submitOrder, (parts, { signal }) => submitOrder(deps, parts, signal)),
    syncOrders: duplex(methods.syncOrders, (events, { signal }) => syncOrders(deps, events, signal)),
    cancelOrder: unary(methods.cancelOrder, (request, { signal }) => cancelOrder(deps, request, signal)),
    watchOrders: serverStream(methods.watchOrders, (request, { signal, sendHeaders }) =>
      watchOrders(outbox, request, { signal, onStart: sendHeaders }),
    ),
  };
}
