import {
  type CatalogServiceServer,
  CatalogServiceService,
  type WatchPricesResponse,
} from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import type { Money } from '../upstream-protos/gen/shop/common/v1/money.ts';
import { createHandlers } from './handler.ts';
import { assertId, distinctIds } from './ids.ts';
import { selectFields } from './mask.ts';
import { moneyFromNanos, nanosFromMoney } from './money.ts';
import type { Outbox, OutboxEvent } from './outbox.ts';
import { planPage, readPage } from './page.ts';
import {
  PRODUCT_COLUMNS,
  type ProductRow,
  productConditions,
  productFromRow,
  productList,
  productScope,
} from './products.ts';
import { readReviews, readReviewsOfMany } from './reviews.ts';
import type { ServiceDeps } from './service-deps.ts';
import { invalidArgument, notFound } from './status.ts';
import type { Store } from './store.ts';

const PRICES = 'prices';

/** `shop.catalog.v1.CatalogService`. */
export function createCatalogService(deps: ServiceDeps): CatalogServiceServer {
  const { store, outbox } = deps;
  const { unary, serverStream } = createHandlers(deps);
  return {
    batchGetProducts: unary(CatalogServiceService.batchGetProducts, async ({ ids, readMask }, { signal }) => {
      const { columns } = selectFields(readMask, PRODUCT_COLUMNS);
      const text = `SELECT ${columns.join(', ')} FROM products WHERE id = ANY($1)`;
      const rows = await store.query<ProductRow>(text, [distinctIds(ids)], signal);
      return { products: rows.map(productFromRow) };
    }),

    listProducts: unary(CatalogServiceService.listProducts, async (request, { signal }) => {
      const scope = productScope(request.filter);
      const list = productList(scope, request.order);
      const plan = planPage(list, request.page);
      const { columns } = selectFields(request.readMask, PRODUCT_COLUMNS);
      const where = (bind: (value: unknown) => string) => productConditions(scope, bind);
      const source = { list, plan, from: 'products', columns, where };
      const { rows, info } = await readPage<ProductRow>(store, source, signal);
      return { products: rows.map(productFromRow), page: info };
    }),

    listReviews: unary(CatalogServiceService.listReviews, async ({ productId, page }, { signal }) => {
      assertId(productId, 'product_id');
      return readReviews(store, productId, page, signal);
    }),

    batchListReviews: unary(CatalogServiceService.batchListReviews, async (request, { signal }) => {
      const ids = distinctIds(request.productIds, 'product_ids');
      return { pages: await readReviewsOfMany(store, ids, request.page, signal) };
    }),

    watchPrices: serverStream(CatalogServiceService.watchPrices, async function* (request, context) {
      const subjects = distinctIds(request.productIds, 'product_ids', { min: 0 });
      const events = outbox.follow({
        topic: PRICES,
        ...(subjects.length > 0 && { subjects }),
        after: request.afterSequence,
        signal: context.signal,
        onStart: context.sendHeaders,
        ...(request.withStart && { first: startOf }),
      });
      for await (const event of events) yield 'topic' in event ? priceChange(event) : event;
    }),
  };
}

/**
 * Sets what one piece of a product costs, and tells those who watch prices, in one transaction. Answers the sequence of the
 * change. The shop has no RPC for it: prices are set behind the scenes.
 *
 * @throws NOT_FOUND when there is no such product, INVALID_ARGUMENT for a negative price or another currency.
 */
export async function changePrice(
  { store, outbox }: { store: Store; outbox: Outbox },
  productId: string,
  price: Money,
): Promise<bigint> {
  const nanos = nanosFromMoney(price, 'price');
  if (nanos < 0n) throw invalidArgument({ field: 'price', description: 'expected 0 or more' });
  return store.transaction(async (tx) => {
    const [product] = await tx.query<{ currency_code: string; price_nanos: bigint }>(
      'SELECT currency_code, price_nanos FROM products WHERE id = $1 FOR UPDATE',
      [productId],
    );
    if (!product) throw notFound('shop.catalog.v1.Product', productId);
    const { currency_code: currencyCode, price_nanos: oldNanos } = product;
    if (price.currencyCode !== currencyCode) {
      throw invalidArgument({ field: 'price.currency_code', description: `expected ${currencyCode}` });
    }
    await tx.query('UPDATE products SET price_nanos = $2 WHERE id = $1', [productId, nanos]);
    const payload: PriceChange = { currencyCode, oldNanos: String(oldNanos), newNanos: String(nanos) };
    return outbox.append(tx, { topic: PRICES, subject: productId, owner: '', payload });
  });
}

/** The payload of an event in the topic 'prices'; amounts are bigints as text. */
interface PriceChange {
  readonly currencyCode: string;
  readonly oldNanos: string;
  readonly newNanos: string;
}

function startOf(sequence: bigint): WatchPricesResponse {
  return { sequence, productId: '', oldPrice: undefined, newPrice: undefined, changeTime: undefined };
}

function priceChange({ sequence, subject, payload, time }: OutboxEvent): WatchPricesResponse {
  // Written by changePrice alone.
  const { currencyCode, oldNanos, newNanos } = payload as PriceChange;
  return {
    sequence,
    productId: subject,
    oldPrice: moneyFromNanos(currencyCode, BigInt(oldNanos)),
    newPrice: moneyFromNanos(currencyCode, BigInt(newNanos)),
    changeTime: time,
  };
}
