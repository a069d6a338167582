import { hash } from 'node:crypto';
import { type TopicSource, topicSource } from '../src/index.ts';
import {
  CatalogServiceService as catalog,
  WatchPricesResponse,
} from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { afterSequence, isExpired, upstreamOf, watched } from './watch.ts';

/** A product whose price has changed, with the price before and after. */
export type PriceChange = WatchPricesResponse;

/**
 * The price changes of some products, of all where none is named. Everybody who asks for the same ones shares a topic. A
 * client that reads slowly gets the newest price of each product.
 */
export function priceChanges(productIds: readonly string[]): TopicSource<PriceChange> {
  const chosen = [...new Set(productIds)].sort();
  return topicSource({
    // Ids are of any length, and a topic's key is not.
    key: chosen.length === 0 ? 'prices' : `prices ${hash('sha256', JSON.stringify(chosen))}`,
    // Not `latest`: that keeps one value of a topic, and these are of many products.
    mode: 'log',
    audience: 'public',
    onSlow: 'latest',
    whenEmpty: 'skip',
    coalesceKey: ({ productId }) => productId,
    open: (upstreams, after) => {
      const request = { productIds: chosen, afterSequence: afterSequence(after), withStart: true };
      const answers = upstreamOf(upstreams, 'catalog').serverStream(catalog.watchPrices, request);
      return watched(answers, {
        isEvent: (change) => change.productId !== '',
        encode: (change) => WatchPricesResponse.encode(change).finish(),
      });
    },
    isExpired,
    read: (payload) => WatchPricesResponse.decode(payload),
  });
}
