import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CatalogServiceClient,
  type ListProductsRequest,
  type ListProductsResponse,
  type ListReviewsResponse,
  type Product,
  ProductOrder,
  type WatchPricesResponse,
} from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import type { Money } from '../../upstream-protos/gen/shop/common/v1/money.ts';
import { PageDirection, type PageRequest } from '../../upstream-protos/gen/shop/common/v1/page.ts';
import { changePrice } from '../../upstreams/catalog.ts';
import { busyMs } from '../kit/busy.ts';
import { answer, refusal, startUpstreams, type UpstreamFixture, until } from './upstream-fixture.ts';

let shop: UpstreamFixture;
let client: CatalogServiceClient;

beforeAll(async () => {
  shop = await startUpstreams();
  client = shop.client(CatalogServiceClient);
});
afterAll(() => shop.close());

const FORWARD = PageDirection.PAGE_DIRECTION_FORWARD;
const BACKWARD = PageDirection.PAGE_DIRECTION_BACKWARD;

function page(part: Partial<PageRequest> = {}): PageRequest {
  return { pageSize: 0, afterToken: '', beforeToken: '', direction: 0, skip: 0, ...part };
}

function euros(units: bigint, nanos = 0): Money {
  return { currencyCode: 'EUR', units, nanos };
}

const noFilter = {
  category: 0,
  query: '',
  minPrice: undefined,
  maxPrice: undefined,
  inStock: false,
} as const;

function getProducts(ids: string[], readMask?: string[]) {
  return answer<{ products: Product[] }>((done) => client.batchGetProducts({ ids, readMask }, done));
}

/** The answer with its page, which is always there. */
async function listProducts(part: Partial<ListProductsRequest> = {}) {
  const request = { page: page(), filter: undefined, order: 0, readMask: undefined, ...part } as const;
  const answered = await answer<ListProductsResponse>((done) => client.listProducts(request, done));
  if (!answered.page) throw new Error('ListProducts answered without a page.');
  return { products: answered.products, page: answered.page };
}

describe('BatchGetProducts', () => {
  it('BatchGetProducts answers what it finds, once, and says nothing of the missing', async () => {
    const { products } = await getProducts([
      'product-2',
      'product-1',
      'nobody',
      'product-2',
      '',
      'x'.repeat(129),
      '\0',
    ]);
    expect(products.map(({ id }) => id).toSorted()).toEqual(['product-1', 'product-2']);
  });

  it('BatchGetProducts keeps 64-bit numbers beyond 2^53', async () => {
    const { products } = await getProducts(['product-1']);
    expect(products[0]?.mediaId).toBeGreaterThan(2n ** 53n);
  });

  it('BatchGetProducts reads only the columns of its mask', async () => {
    const { products } = await getProducts(['product-1'], ['title', 'price.units']);
    const [product] = products;
    expect(product?.title).not.toBe('');
    expect(product?.price?.currencyCode).toBe('EUR');
    expect(product).toMatchObject({ id: 'product-1', sku: '', description: '', imageUrls: [], mediaId: 0n });
    expect(product?.createTime).toBeUndefined();
  });

  it('BatchGetProducts refuses an unknown path of its mask', async () => {
    expect(await refusal(getProducts(['product-1'], ['title', 'secret']))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      fields: ['read_mask'],
    });
  });

  it('BatchGetProducts takes 1 to 500 ids', async () => {
    const ids = Array.from({ length: 501 }, (_, i) => `product-${i + 1}`);
    expect((await getProducts(ids.slice(0, 1))).products).toHaveLength(1);
    expect((await getProducts(ids.slice(0, 500))).products).toHaveLength(500);
    for (const wrong of [[], ids]) {
      expect(await refusal(getProducts(wrong))).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['ids'] });
    }
  });
});

describe('ListProducts', () => {
  const keys = {
    [ProductOrder.PRODUCT_ORDER_NEWEST]: (p: Product) => BigInt(-Number(p.createTime)),
    [ProductOrder.PRODUCT_ORDER_PRICE_ASC]: (p: Product) => nanosOf(p),
    [ProductOrder.PRODUCT_ORDER_PRICE_DESC]: (p: Product) => -nanosOf(p),
    [ProductOrder.PRODUCT_ORDER_BESTSELLING]: (p: Product) => -p.unitsSold,
  } as const;

  it.each([1, 2, 3, 4] as const)('ListProducts sorts when the order is %i', async (order) => {
    const { products } = await listProducts({ order, page: page({ pageSize: 200 }) });
    const values = products.map(keys[order]);
    expect(products).toHaveLength(200);
    expect(values).toEqual(values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  });

  it('ListProducts gives 50 of the newest when asked for nothing', async () => {
    const answered = await listProducts({ page: undefined });
    expect(answered.products).toHaveLength(50);
    expect(answered.page).toMatchObject({ hasBefore: false, hasAfter: true });
    expect(answered.page.nextPageToken).toBe(answered.page.rowTokens.at(-1));
    const newest = await listProducts({ order: ProductOrder.PRODUCT_ORDER_NEWEST });
    expect(newest.products).toEqual(answered.products);
  });

  it('ListProducts applies every part of its filter', async () => {
    const filter = {
      category: 2,
      query: 'a',
      minPrice: euros(20n),
      maxPrice: euros(200n),
      inStock: true,
    } as const;
    const { products } = await listProducts({ filter, page: page({ pageSize: 500 }) });
    expect(products.length).toBeGreaterThan(0);
    for (const product of products) {
      expect(product.category).toBe(2);
      expect(product.title.toLowerCase()).toContain('a');
      expect(nanosOf(product)).toBeGreaterThanOrEqual(20_000_000_000n);
      expect(nanosOf(product)).toBeLessThanOrEqual(200_000_000_000n);
      expect(product.stock).toBeGreaterThan(0);
    }
    const all = await shop.store.query(
      `SELECT 1 FROM products WHERE category = 2 AND title ILIKE '%a%' AND stock > 0
       AND price_nanos BETWEEN 20000000000 AND 200000000000`,
    );
    expect(products).toHaveLength(Math.min(all.length, 500));
  });

  it('ListProducts takes % and _ in a query for themselves', async () => {
    expect((await listProducts({ filter: { ...noFilter, query: '%' } })).products).toEqual([]);
    expect((await listProducts({ filter: { ...noFilter, query: '_' } })).products).toEqual([]);
  });

  it.each([
    ['page.page_size', { page: page({ pageSize: -1 }) }],
    ['page.page_size', { page: page({ pageSize: 501 }) }],
    ['page.skip', { page: page({ skip: 1_001 }) }],
    ['page.skip', { page: page({ skip: -1 }) }],
    ['page.after_token', { page: page({ afterToken: 'garbage' }) }],
    ['page.before_token', { page: page({ beforeToken: 'WzFd' }) }],
    ['filter.query', { filter: { ...noFilter, query: 'x'.repeat(101) } }],
    ['filter.min_price', { filter: { ...noFilter, minPrice: euros(1n, -1) } }],
    [
      'filter.min_price.currency_code',
      { filter: { ...noFilter, minPrice: { ...euros(1n), currencyCode: '' } } },
    ],
    [
      'filter.max_price',
      { filter: { ...noFilter, minPrice: euros(1n), maxPrice: { ...euros(1n), currencyCode: 'USD' } } },
    ],
  ] satisfies [string, Partial<ListProductsRequest>][])(
    'ListProducts refuses a wrong %s',
    async (field, request) => {
      expect(await refusal(listProducts(request))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        fields: [field],
      });
    },
  );

  it('ListProducts refuses a token of another filter or order', async () => {
    const { page: cheapest } = await listProducts({ order: ProductOrder.PRODUCT_ORDER_PRICE_ASC });
    const foreign = page({ afterToken: cheapest.nextPageToken });
    for (const request of [
      { page: foreign, order: ProductOrder.PRODUCT_ORDER_PRICE_DESC },
      { page: foreign, order: ProductOrder.PRODUCT_ORDER_PRICE_ASC, filter: { ...noFilter, inStock: true } },
    ]) {
      expect(await refusal(listProducts(request))).toMatchObject({ fields: ['page.after_token'] });
    }
    await listProducts({ page: foreign, order: ProductOrder.PRODUCT_ORDER_PRICE_ASC });
  });

  it('ListProducts reads at most 500 rows and skips at most 1,000', async () => {
    const { products } = await listProducts({ page: page({ pageSize: 500, skip: 1_000 }) });
    expect(products).toHaveLength(500);
    const one = await listProducts({ page: page({ pageSize: 1, skip: 1_499 - 500 }) });
    expect(one.page.hasBefore).toBe(true);
  });

  it.each([FORWARD, BACKWARD])(
    'ListProducts walks equal prices without gap or repeat while rows are inserted (%i)',
    async (direction) => {
      await shop.store.query(
        'UPDATE products SET price_nanos = (price_nanos / 20000000000 + 1) * 20000000000',
      );
      const before = await shop.store.query<{ id: string }>(
        'SELECT id FROM products ORDER BY price_nanos, id',
      );
      const seen: string[] = [];
      let token = '';
      for (let round = 0; ; round++) {
        const bounds = direction === FORWARD ? { afterToken: token } : { beforeToken: token };
        const request = { order: ProductOrder.PRODUCT_ORDER_PRICE_ASC, readMask: ['id'] };
        const answered = await listProducts({
          ...request,
          page: page({ pageSize: 321, direction, ...bounds }),
        });
        const ids = answered.products.map(({ id }) => id);
        if (direction === FORWARD) seen.push(...ids);
        else seen.unshift(...ids);
        token = answered.page.nextPageToken;
        if (token === '') break;
        await insertProducts(`${direction}-${round}`);
      }
      const existed = new Set(before.map(({ id }) => id));
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((id) => existed.has(id))).toEqual(before.map(({ id }) => id));
    },
  );
});

describe('ListReviews and BatchListReviews', () => {
  it('ListReviews pages newest first and tells how many there are', async () => {
    const productId = await mostReviewed();
    const first = await listReviews(productId, page({ pageSize: 3 }));
    const second = await listReviews(
      productId,
      page({ pageSize: 3, afterToken: first.page?.nextPageToken ?? '' }),
    );
    const times = [...first.reviews, ...second.reviews].map(({ createTime }) => Number(createTime));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(first.totalSize).toBeGreaterThan(6);
    expect(second.page).toMatchObject({ hasBefore: true, hasAfter: true });
  });

  it('ListReviews refuses a product that is not there', async () => {
    expect(await refusal(listReviews('product-0', page()))).toMatchObject({
      code: 'NOT_FOUND',
      resource: 'product-0',
    });
  });

  it.each([
    page({ pageSize: 2 }),
    page({ pageSize: 2, skip: 1 }),
    page({ pageSize: 3, direction: BACKWARD }),
    page({ pageSize: 500 }),
    page({ pageSize: 1, skip: 1_000 }),
  ])('BatchListReviews answers for each product what ListReviews does (%#)', async (request) => {
    const ids = [await mostReviewed(), 'product-1', 'product-2', 'product-3', await unreviewed()];
    const { pages } = await batchReviews([...ids, 'nobody'], request);
    expect(pages.map(({ productId }) => productId).toSorted()).toEqual([...new Set(ids)].toSorted());
    for (const one of pages) expect(one).toEqual(await listReviews(one.productId, request));
  });

  it('BatchListReviews takes a token only with one product', async () => {
    const productId = await mostReviewed();
    const first = await listReviews(productId, page({ pageSize: 2 }));
    const next = page({ pageSize: 2, afterToken: first.page?.nextPageToken ?? '' });
    const { pages } = await batchReviews([productId], next);
    expect(pages).toEqual([await listReviews(productId, next)]);
    expect(await refusal(batchReviews([productId, 'product-2'], next))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      fields: ['page.after_token'],
    });
    expect(await refusal(batchReviews(['product-2'], next))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('WatchPrices', () => {
  it('WatchPrices gives what happened, then what happens, of the products asked for', async () => {
    const first = await changePrice(shop, 'product-1', euros(5n, 10_000_000));
    await changePrice(shop, 'product-2', euros(6n));
    const call = client.watchPrices({
      productIds: ['product-1'],
      afterSequence: first - 1n,
      withStart: false,
    });
    const messages = call[Symbol.asyncIterator]() as AsyncIterator<WatchPricesResponse>;
    const past = (await messages.next()).value;
    expect(past).toMatchObject({ sequence: first, productId: 'product-1', newPrice: euros(5n, 10_000_000) });
    const third = await changePrice(shop, 'product-1', euros(7n));
    expect((await messages.next()).value).toMatchObject({
      sequence: third,
      oldPrice: euros(5n, 10_000_000),
      newPrice: euros(7n),
    });
    await messages.return?.();
  });

  it('WatchPrices tells first from where it follows when it is asked to', async () => {
    const last = await changePrice(shop, 'product-1', euros(5n));
    const call = client.watchPrices({ productIds: ['product-1'], afterSequence: -1n, withStart: true });
    const messages = call[Symbol.asyncIterator]() as AsyncIterator<WatchPricesResponse>;
    expect((await messages.next()).value).toMatchObject({ sequence: last, productId: '' });
    const sequence = await changePrice(shop, 'product-1', euros(6n));
    expect((await messages.next()).value).toMatchObject({ sequence, productId: 'product-1' });
    await messages.return?.();
  });

  it('WatchPrices from -1 misses nothing after its headers', async () => {
    const call = client.watchPrices({ productIds: [], afterSequence: -1n, withStart: false });
    const messages = call[Symbol.asyncIterator]() as AsyncIterator<WatchPricesResponse>;
    await new Promise((resolve) => call.once('metadata', resolve));
    const sequence = await changePrice(shop, 'product-3', euros(9n));
    expect((await messages.next()).value).toMatchObject({ sequence, productId: 'product-3' });
    await messages.return?.();
  });

  it('WatchPrices refuses a position that is past the end or not kept', async () => {
    const last = await changePrice(shop, 'product-1', euros(8n));
    expect(await refusal(firstOf(last + 1n))).toMatchObject({
      code: 'OUT_OF_RANGE',
      reason: 'SEQUENCE_UNKNOWN',
    });
    await shop.store.query("DELETE FROM outbox WHERE topic = 'prices' AND sequence <= $1", [last - 1n]);
    expect(await refusal(firstOf(1n))).toMatchObject({ code: 'OUT_OF_RANGE', reason: 'SEQUENCE_EXPIRED' });
    expect(await firstOf(0n)).toMatchObject({ sequence: last });
    expect(await refusal(firstOf(-2n))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      fields: ['after_sequence'],
    });
  });

  it('changePrice() refuses another currency, a negative price and an unknown product', async () => {
    const fail = (id: string, price: Money) => changePrice(shop, id, price);
    await expect(fail('product-1', { ...euros(1n), currencyCode: 'USD' })).rejects.toThrow(
      'price.currency_code',
    );
    await expect(fail('product-1', euros(-1n))).rejects.toThrow('expected 0 or more');
    await expect(fail('nobody', euros(1n))).rejects.toThrow('There is no product');
  });
});

describe('a call that is cancelled', () => {
  it('cancelling an RPC cancels its SQL at once', async () => {
    // A lock on the table holds the statement of the RPC until we let go.
    const { promise: release, resolve: letGo } = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const holding = shop.store.transaction(async (tx) => {
      await tx.query('LOCK TABLE reviews IN ACCESS EXCLUSIVE MODE');
      locked.resolve();
      await release;
    });
    await locked.promise;
    const call = client.batchListReviews({ productIds: ['product-1'], page: page() }, () => {});
    await until(async () => (await waiting()).length > 0);
    const cancelMs = performance.now();
    call.cancel();
    await until(async () => (await waiting()).length === 0);
    const tookMs = performance.now() - cancelMs;
    letGo();
    await holding;
    expect(tookMs).toBeLessThan(busyMs);
  });

  it('a deadline that passes cancels the SQL as well', async () => {
    const { promise: release, resolve: letGo } = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const holding = shop.store.transaction(async (tx) => {
      await tx.query('LOCK TABLE reviews IN ACCESS EXCLUSIVE MODE');
      locked.resolve();
      await release;
    });
    await locked.promise;
    const call = answer((done) =>
      client.batchListReviews(
        { productIds: ['product-1'], page: page() },
        new Metadata(),
        { deadline: Date.now() + 200 },
        done,
      ),
    );
    expect(await refusal(call)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await until(async () => (await waiting()).length === 0);
    letGo();
    await holding;
  });
});

function nanosOf({ price }: Product): bigint {
  return (price?.units ?? 0n) * 1_000_000_000n + BigInt(price?.nanos ?? 0);
}

function listReviews(productId: string, request: PageRequest) {
  return answer<ListReviewsResponse>((done) => client.listReviews({ productId, page: request }, done));
}

function batchReviews(productIds: string[], request: PageRequest) {
  return answer<{ pages: ListReviewsResponse[] }>((done) =>
    client.batchListReviews({ productIds, page: request }, done),
  );
}

async function mostReviewed(): Promise<string> {
  const [row] = await shop.store.query<{ id: string }>(
    'SELECT id FROM products ORDER BY review_count DESC LIMIT 1',
  );
  return row?.id ?? '';
}

async function unreviewed(): Promise<string> {
  const [row] = await shop.store.query<{ id: string }>(
    'SELECT id FROM products WHERE review_count = 0 LIMIT 1',
  );
  return row?.id ?? '';
}

/** Copies of one product at every price step, before and after wherever a walk is. */
async function insertProducts(tag: string): Promise<void> {
  await shop.store.query(
    `INSERT INTO products SELECT (jsonb_populate_record(p, jsonb_build_object(
       'id', 'walk-' || $1 || '-' || n, 'sku', 'walk-' || $1 || '-' || n, 'price_nanos', n * 20000000000))).*
     FROM products p, generate_series(1, 40) n WHERE p.id = 'product-1'`,
    [tag],
  );
}

async function firstOf(afterSequence: bigint): Promise<WatchPricesResponse | undefined> {
  for await (const message of client.watchPrices({ productIds: [], afterSequence, withStart: false }))
    return message;
  return undefined;
}

function waiting() {
  return shop.store.query(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'`,
  );
}
