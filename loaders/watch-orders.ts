import { type TopicSource, topicSource } from '../src/index.ts';
import {
  OrderServiceService as orders,
  WatchOrdersResponse,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { afterSequence, isExpired, upstreamOf, watched } from './watch.ts';

/** An order that was made or has changed, and its states before and after. */
export type OrderChange = WatchOrdersResponse;

/** Whose orders; '' for all, of which the caller is told of those that it may read. */
export interface WatchedOrders {
  readonly customerId: string;
  readonly orderId: string;
}

/** The changes of orders, every one, in order. */
export function orderChanges({ customerId, orderId }: WatchedOrders): TopicSource<OrderChange> {
  return topicSource({
    key: JSON.stringify(['orders', customerId, orderId]),
    mode: 'log',
    audience: 'viewer',
    open: (upstreams, after) => {
      const request = { customerId, orderId, afterSequence: afterSequence(after), withStart: true };
      const answers = upstreamOf(upstreams, 'orders').serverStream(orders.watchOrders, request);
      return watched(answers, {
        isEvent: (change) => change.orderId !== '',
        encode: (change) => WatchOrdersResponse.encode(change).finish(),
      });
    },
    isExpired,
    read: (payload) => WatchOrdersResponse.decode(payload),
  });
}
