import type { Product, ProductFilter } from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { ProductOrder } from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import type { Money } from '../upstream-protos/gen/shop/common/v1/money.ts';
import type { MaskColumns } from './mask.ts';
import { moneyFromNanos, nanosFromMoney } from './money.ts';
import type { PageList } from './page.ts';
import type { Bind } from './params.ts';
import { invalidArgument } from './status.ts';

/** The columns behind each field of Product. No column serves two fields, so what was not asked for is not there. */
export const PRODUCT_COLUMNS = {
  id: ['id'],
  sku: ['sku'],
  title: ['title'],
  description: ['description'],
  category: ['category'],
  price: ['currency_code', 'price_nanos'],
  stock: ['stock'],
  image_urls: ['image_urls'],
  rating_average: ['rating_sum::float8 / nullif(review_count, 0) AS rating_average'],
  review_count: ['review_count'],
  units_sold: ['units_sold'],
  media_id: ['media_id'],
  create_time: ['create_time'],
} as const satisfies MaskColumns<string>;

/** A row of products with the columns of some fields. */
export interface ProductRow {
  readonly id: string;
  readonly sku?: string;
  readonly title?: string;
  readonly description?: string;
  readonly category?: Product['category'];
  readonly currency_code?: string;
  readonly price_nanos?: bigint;
  readonly stock?: number;
  readonly image_urls?: string[];
  readonly rating_average?: number | null;
  readonly review_count?: number;
  readonly units_sold?: bigint;
  readonly media_id?: bigint;
  readonly create_time?: Date;
}

const MAX_QUERY = 100;
const MAX_CATEGORY = 8;
const CURRENCY = /^[A-Z]{3}$/;

const ORDERS = {
  [ProductOrder.PRODUCT_ORDER_NEWEST]: { column: 'create_time', type: 'timestamptz', descending: true },
  [ProductOrder.PRODUCT_ORDER_PRICE_ASC]: { column: 'price_nanos', type: 'bigint', descending: false },
  [ProductOrder.PRODUCT_ORDER_PRICE_DESC]: { column: 'price_nanos', type: 'bigint', descending: true },
  [ProductOrder.PRODUCT_ORDER_BESTSELLING]: { column: 'units_sold', type: 'bigint', descending: true },
} as const;

/** A filter that was found valid. Prices are billionths of a unit; absent parts let all pass. */
export interface ProductScope {
  readonly category: number;
  readonly query: string;
  readonly currencyCode: string;
  readonly minNanos: bigint | undefined;
  readonly maxNanos: bigint | undefined;
  readonly inStock: boolean;
}

export function productFromRow(row: ProductRow): Product {
  const { currency_code: currencyCode, price_nanos: nanos, rating_average: ratingAverage } = row;
  return {
    id: row.id,
    sku: row.sku ?? '',
    title: row.title ?? '',
    description: row.description ?? '',
    category: row.category ?? 0,
    price:
      currencyCode !== undefined && nanos !== undefined ? moneyFromNanos(currencyCode, nanos) : undefined,
    stock: row.stock ?? 0,
    imageUrls: row.image_urls ?? [],
    ratingAverage: ratingAverage ?? undefined,
    reviewCount: row.review_count ?? 0,
    unitsSold: row.units_sold ?? 0n,
    mediaId: row.media_id ?? 0n,
    createTime: row.create_time,
  };
}

/** @throws INVALID_ARGUMENT with a violation of the first part that is wrong. */
export function productScope(filter: ProductFilter | undefined): ProductScope {
  const { category = 0, query = '', minPrice, maxPrice, inStock = false } = filter ?? {};
  if (category < 0 || category > MAX_CATEGORY)
    throw wrong('category', `expected a category, got ${category}`);
  if ([...query].length > MAX_QUERY || query.includes('\0')) {
    throw wrong('query', `expected at most ${MAX_QUERY} characters of text`);
  }
  const minNanos = minPrice && priceBound(minPrice, 'min_price');
  const maxNanos = maxPrice && priceBound(maxPrice, 'max_price');
  if (minPrice && maxPrice && minPrice.currencyCode !== maxPrice.currencyCode) {
    throw wrong(
      'max_price',
      `expected ${minPrice.currencyCode} as in min_price, got ${maxPrice.currencyCode}`,
    );
  }
  const currencyCode = minPrice?.currencyCode ?? maxPrice?.currencyCode ?? '';
  return { category, query, currencyCode, minNanos, maxNanos, inStock };
}

/** The list of the products of a scope in an order, for page tokens and their SQL. */
export function productList(scope: ProductScope, order: ProductOrder): PageList {
  const known = order === ProductOrder.PRODUCT_ORDER_UNSPECIFIED ? ProductOrder.PRODUCT_ORDER_NEWEST : order;
  if (!Object.hasOwn(ORDERS, known)) {
    throw invalidArgument({ field: 'order', description: `expected a product order, got ${order}` });
  }
  const { column, type, descending } = ORDERS[known];
  const { category, query, currencyCode, minNanos = '', maxNanos = '', inStock } = scope;
  return {
    name: 'products',
    scope: [category, query, currencyCode, minNanos, maxNanos, inStock],
    keys: [
      { column, type },
      { column: 'id', type: 'text' },
    ],
    descending,
  };
}

/** The SQL conditions of a scope. */
export function productConditions(scope: ProductScope, bind: Bind): string[] {
  const { category, query, currencyCode, minNanos, maxNanos, inStock } = scope;
  return [
    ...(category ? [`category = ${bind(category)}`] : []),
    // Compared by letter, not by pattern: % and _ are what they are.
    ...(query ? [`title ILIKE ${bind(`%${query.replace(/[\\%_]/g, '\\$&')}%`)}`] : []),
    ...(currencyCode ? [`currency_code = ${bind(currencyCode)}`] : []),
    ...(minNanos === undefined ? [] : [`price_nanos >= ${bind(minNanos)}`]),
    ...(maxNanos === undefined ? [] : [`price_nanos <= ${bind(maxNanos)}`]),
    ...(inStock ? ['stock > 0'] : []),
  ];
}

function priceBound(price: Money, name: string): bigint {
  if (!CURRENCY.test(price.currencyCode)) {
    throw wrong(`${name}.currency_code`, 'expected three capital letters (ISO 4217)');
  }
  return nanosFromMoney(price, `filter.${name}`);
}

function wrong(name: string, description: string) {
  return invalidArgument({ field: `filter.${name}`, description });
}
