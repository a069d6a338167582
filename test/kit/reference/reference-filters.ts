import { idOf } from './reference-ids.ts';
import { decimalOf, nanosOf } from './reference-money.ts';
import { refusal } from './refusal.ts';
import type { OrderRow, ProductRow } from './tables.ts';

/** The names of the enums' numbers, as the columns have them. */
export const enumNames = {
  category: ['', 'BOOKS', 'ELECTRONICS', 'FASHION', 'GARDEN', 'GROCERY', 'HOME', 'SPORTS', 'TOYS'],
  loyaltyTier: ['', 'BASIC', 'SILVER', 'GOLD'],
  orderState: ['', 'PENDING', 'PAID', 'PACKED', 'SHIPPED', 'DELIVERED', 'CANCELLED'],
  paymentState: ['', 'CAPTURED', 'REFUNDED', 'FAILED'],
} as const;

type Decimal = string;

export interface ProductFilter {
  readonly category?: string | null;
  readonly query?: string | null;
  readonly inStock?: boolean | null;
  readonly price?: {
    readonly atLeast?: Decimal;
    readonly atMost?: Decimal;
    readonly between?: { readonly from: Decimal; readonly to: Decimal };
  } | null;
}

export interface OrderFilter {
  readonly customer?: string | null;
  readonly state?: string | null;
}

/** A filter as arguments in one spelling, and what passes it. */
export interface Filtering<Row> {
  readonly scope: Readonly<Record<string, unknown>>;
  readonly passes: (row: Row) => boolean;
  /** Refuses a filter that is no filter; the page's own faults come first. */
  readonly check: () => void;
}

const currency = 'EUR';
const mostQueryCharacters = 100;
const mostNanos = 2n ** 63n - 1n;

export function productFiltering(filter: ProductFilter | null | undefined): Filtering<ProductRow> {
  const { category, query, inStock, price } = filter ?? {};
  const from = price?.atLeast ?? price?.between?.from;
  const to = price?.atMost ?? price?.between?.to;
  const bounds = [from, to].filter((bound) => bound != null).map(nanosOf);
  return {
    scope: {
      ...(category && { category }),
      ...(query && { query }),
      ...(inStock && { inStock }),
      ...(price && { price: priceScope(price) }),
    },
    passes: (row) =>
      (!category || enumNames.category[row.category] === category) &&
      (!query || row.title.toLowerCase().includes(query.toLowerCase())) &&
      (!inStock || row.stock > 0) &&
      (!price || row.currency_code === currency) &&
      (from == null || BigInt(row.price_nanos) >= nanosOf(from)) &&
      (to == null || BigInt(row.price_nanos) <= nanosOf(to)),
    check: () => {
      const isTooLong = [...(query ?? '')].length > mostQueryCharacters || query?.includes('\0');
      const isTooDear = bounds.some((nanos) => nanos > mostNanos || nanos < -mostNanos);
      if (isTooLong || isTooDear) throw refusal('BAD_USER_INPUT');
    },
  };
}

export function orderFiltering(filter: OrderFilter | null | undefined): Filtering<OrderRow> {
  const { customer, state } = filter ?? {};
  const customerId = customer == null ? undefined : idOf('User', customer);
  return {
    scope: { ...(customer != null && { customer }), ...(state && { state }) },
    passes: (row) =>
      (customerId === undefined || row.customer_id === customerId) &&
      (!state || enumNames.orderState[row.state] === state),
    check: () => {},
  };
}

function priceScope({ atLeast, atMost, between }: NonNullable<ProductFilter['price']>) {
  const same = (decimal: Decimal) => decimalOf(nanosOf(decimal));
  if (between) return { between: { from: same(between.from), to: same(between.to) } };
  return atLeast == null ? { atMost: same(atMost ?? '0') } : { atLeast: same(atLeast) };
}
