import { status } from '@grpc/grpc-js';
import {
  OrderState,
  type SubmitOrderHeader,
  type SubmitOrderLine,
  type SubmitOrderRequest,
  SubmitOrderResponse,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import type { CallContext } from './call-scope.ts';
import { onceByKey } from './idempotency.ts';
import { ORDERS_TOPIC, type OrderChange } from './order-changes.ts';
import { type OrderDraft, readOrderDraft } from './order-draft.ts';
import { ALL_ORDER_COLUMNS, orderFromRow, readOrders } from './order-rows.ts';
import type { Outbox } from './outbox.ts';
import { assertActsFor } from './ownership.ts';
import { failedPrecondition, failure, invalidArgument, MAX_LISTED } from './status.ts';
import type { Sql, Store } from './store.ts';

interface ProductRow {
  readonly id: string;
  readonly stock: number;
  readonly currency_code: string;
  readonly price_nanos: bigint;
}

const METHOD = 'OrderService/SubmitOrder';
const MAX_NANOS = 2n ** 63n - 1n;

// Stock, order and lines in one statement. quantity and stock are the columns of the line and the product.
const WRITE = `
WITH line AS (
  SELECT * FROM unnest($4::int[], $5::text[], $6::int[], $7::bigint[]) AS l (number, product_id, quantity, unit_price_nanos)
), taken AS (
  UPDATE products SET stock = stock - quantity, units_sold = units_sold + quantity FROM line WHERE id = product_id
), submitted AS (
  INSERT INTO orders (id, customer_id, state, currency_code, total_nanos, note, create_time, update_time)
  VALUES ('order-' || nextval('order_numbers'), $1, ${OrderState.ORDER_STATE_PENDING}, $2, $8, $3,
    statement_timestamp(), statement_timestamp())
  RETURNING id
), written AS (
  INSERT INTO order_lines (order_id, number, product_id, quantity, unit_price_nanos) SELECT submitted.id, line.* FROM submitted, line
)
SELECT id FROM submitted`;

/**
 * Reads the parts to their end, then commits the order as a whole.
 *
 * @throws PERMISSION_DENIED as soon as the header names another customer than the caller, without `orders:write`;
 * INVALID_ARGUMENT with the parts that are wrong; FAILED_PRECONDITION with OUT_OF_STOCK for each product that there is too
 * little of, and where its line stands, and nothing has happened.
 */
export async function submitOrder(
  { store, outbox }: { store: Store; outbox: Outbox },
  parts: AsyncIterable<SubmitOrderRequest>,
  { signal, caller }: CallContext,
): Promise<SubmitOrderResponse> {
  const draft = await readOrderDraft(parts, ({ customerId }) =>
    assertActsFor(caller, customerId, 'orders:write', 'header.customer_id'),
  );
  const { customerId, idempotencyKey: key } = draft.header;
  const submit = (tx: Sql) => commitOrder(tx, outbox, draft);
  if (!key) return store.transaction(submit, signal);
  const call = { method: METHOD, scope: customerId, key, request: encodeDraft(draft) };
  const reply = await store.transaction(
    (tx) => onceByKey(tx, call, async () => SubmitOrderResponse.encode(await submit(tx)).finish()),
    signal,
  );
  return SubmitOrderResponse.decode(reply);
}

async function commitOrder(tx: Sql, outbox: Outbox, draft: OrderDraft): Promise<SubmitOrderResponse> {
  const { header, lines } = draft;
  await assertCustomer(tx, header);
  const products = await lockProducts(tx, lines);
  assertStock(lines, products);
  const id = await writeOrder(tx, header, lines, products);
  const [row] = await readOrders(tx, [id], ALL_ORDER_COLUMNS);
  if (!row) throw new Error(`The order ${id} was written and is not there.`);
  const payload: OrderChange = {
    oldState: OrderState.ORDER_STATE_UNSPECIFIED,
    newState: OrderState.ORDER_STATE_PENDING,
  };
  await outbox.append(tx, { topic: ORDERS_TOPIC, subject: id, owner: header.customerId, payload });
  return { order: orderFromRow(row) };
}

async function assertCustomer(tx: Sql, { customerId }: SubmitOrderHeader): Promise<void> {
  const found = await tx.query('SELECT FROM users WHERE id = $1', [customerId]);
  if (found.length > 0) return;
  const description = `there is no user ${JSON.stringify(customerId)}`;
  throw invalidArgument({ field: 'header.customer_id', description });
}

/** The product of each line. Rows are locked in the order of ids: two orders never wait for each other in a circle. */
async function lockProducts(tx: Sql, lines: readonly SubmitOrderLine[]): Promise<ProductRow[]> {
  const rows = await tx.query<ProductRow>(
    `SELECT id, stock, currency_code, price_nanos FROM products WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`,
    [lines.map(({ productId }) => productId)],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const products = lines.map(({ productId }) => byId.get(productId));
  const violations = products.flatMap((product, index) =>
    product ? [] : [{ field: `lines[${index}].product_id`, description: 'there is no such product' }],
  );
  if (violations.length > 0) throw invalidArgument(...violations);
  return products.filter((product) => product !== undefined);
}

function assertStock(lines: readonly SubmitOrderLine[], products: readonly ProductRow[]): void {
  const short = products.flatMap(({ id, stock }, index) => {
    const wanted = lines[index]?.quantity ?? 0;
    const description = `${wanted} wanted, ${stock} in stock`;
    return stock >= wanted ? [] : [{ id, field: `lines[${index}].quantity`, description }];
  });
  if (short.length === 0) return;
  const names = short.slice(0, MAX_LISTED).map(({ id }) => id);
  throw failure(status.FAILED_PRECONDITION, `Out of stock: ${names.join(', ')}.`, {
    reason: 'OUT_OF_STOCK',
    preconditions: short.map(({ id, description }) => ({ type: 'OUT_OF_STOCK', subject: id, description })),
    violations: short.map(({ field, description }) => ({ field, description })),
  });
}

async function writeOrder(
  tx: Sql,
  { customerId, note }: SubmitOrderHeader,
  lines: readonly SubmitOrderLine[],
  products: readonly ProductRow[],
): Promise<string> {
  const [currency, ...others] = new Set(products.map(({ currency_code }) => currency_code));
  if (others.length > 0) throw failedPrecondition('MIXED_CURRENCIES', 'lines', 'An order has one currency.');
  const quantities = lines.map(({ quantity }) => quantity);
  const prices = products.map(({ price_nanos }) => price_nanos);
  const total = prices.reduce((sum, price, index) => sum + price * BigInt(quantities[index] ?? 0), 0n);
  if (total > MAX_NANOS)
    throw failedPrecondition('TOTAL_TOO_LARGE', 'lines', 'The total does not fit 64 bits of nanos.');
  const [order] = await tx.query<{ id: string }>(WRITE, [
    ...[customerId, currency, note, lines.map((_, index) => index + 1)],
    ...[products.map(({ id }) => id), quantities, prices, total],
  ]);
  if (!order) throw new Error('Postgres took no order.');
  return order.id;
}

/** What a key stands for: the draft without the key, part by part. */
function encodeDraft({ header, lines }: OrderDraft): Uint8Array {
  return Buffer.from(JSON.stringify([header.customerId, header.note, ...lines.map(cells)]));
}

function cells({ productId, quantity }: SubmitOrderLine): readonly [string, number] {
  return [productId, quantity];
}
