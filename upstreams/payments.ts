import { OrderState } from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import {
  CreatePaymentRequest,
  CreatePaymentResponse,
  PaymentServiceService as methods,
  type Payment,
  type PaymentServiceServer,
  PaymentState,
} from '../upstream-protos/gen/shop/payments/v1/payments.ts';
import type { CallContext } from './call-scope.ts';
import { createHandlers } from './handler.ts';
import { keyViolations, onceByKey } from './idempotency.ts';
import { nanosFromMoney } from './money.ts';
import { changeState, lockOrder } from './order-changes.ts';
import { ORDER_TYPE } from './order-rows.ts';
import type { Outbox } from './outbox.ts';
import { type Owner, ownedBy, ownerFor } from './ownership.ts';
import { createParams } from './params.ts';
import { methodToJson, PAYMENT_COLUMNS, type PaymentRow, paymentFromRow } from './payment-rows.ts';
import { batchGetPayments, listPayments } from './payments-read.ts';
import type { ServiceDeps } from './service-deps.ts';
import { failedPrecondition, invalidArgument, notFound, type Violation } from './status.ts';
import type { Sql } from './store.ts';
import { ID_BOUNDS, textViolations } from './text.ts';

const METHOD = 'PaymentService/CreatePayment';

/** The texts of each method and how long they are. */
const METHOD_BOUNDS = {
  card: { brand: { min: 1, max: 50 }, lastFour: { min: 4, max: 4 } },
  bankTransfer: { bankName: { min: 1, max: 100 }, accountSuffix: { min: 4, max: 4 } },
  voucher: { code: { min: 1, max: 64 } },
} as const;

/** shop.payments.v1.PaymentService on the table payments. */
export function createPaymentService(deps: ServiceDeps): PaymentServiceServer {
  const { unary } = createHandlers(deps);
  return {
    createPayment: unary(methods.createPayment, (request, context) => createPayment(deps, request, context)),
    batchGetPayments: unary(methods.batchGetPayments, (request, context) =>
      batchGetPayments(deps.store, request, context),
    ),
    listPayments: unary(methods.listPayments, (request, context) =>
      listPayments(deps.store, request, context),
    ),
  };
}

/**
 * Pays an order whole, and once.
 *
 * @throws NOT_FOUND; FAILED_PRECONDITION with reason IDEMPOTENCY_KEY_REUSED, ORDER_NOT_PAYABLE or AMOUNT_MISMATCH.
 */
async function createPayment(
  { store, outbox }: ServiceDeps,
  request: CreatePaymentRequest,
  { signal, caller }: CallContext,
): Promise<CreatePaymentResponse> {
  const violations = requestViolations(request);
  if (violations.length > 0) throw invalidArgument(...violations);
  const { idempotencyKey: key, orderId } = request;
  const bytes = CreatePaymentRequest.encode({ ...request, idempotencyKey: '' }).finish();
  const reply = await store.transaction(async (tx) => {
    const scope = await customerOf(tx, orderId, ownerFor(caller, 'payments:write'));
    return onceByKey(tx, { method: METHOD, scope, key, request: bytes }, async () => {
      const payment = await pay(tx, outbox, request);
      return CreatePaymentResponse.encode({ payment }).finish();
    });
  }, signal);
  return CreatePaymentResponse.decode(reply);
}

function requestViolations({ idempotencyKey, orderId, amount, method }: CreatePaymentRequest): Violation[] {
  return [
    ...keyViolations(idempotencyKey),
    ...textViolations('order_id', orderId, ID_BOUNDS),
    ...(amount ? [] : [{ field: 'amount', description: 'is missing' }]),
    ...(method ? methodViolations(method) : [{ field: 'method', description: 'is missing' }]),
  ];
}

function methodViolations({ $case, value }: NonNullable<Payment['method']>): Violation[] {
  const texts: Readonly<Record<string, string>> = { ...value };
  return Object.entries(METHOD_BOUNDS[$case]).flatMap(([name, bounds]) =>
    textViolations(`${protoName($case)}.${protoName(name)}`, texts[name] ?? '', bounds),
  );
}

function protoName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Whose order it is never changes, so this needs no lock; the key's row is locked before the order's. */
async function customerOf(tx: Sql, orderId: string, owner: Owner): Promise<string> {
  const { bind, values } = createParams();
  const conditions = [`id = ${bind(orderId)}`, ...ownedBy(owner, 'customer_id', bind)];
  const text = `SELECT customer_id FROM orders WHERE ${conditions.join(' AND ')}`;
  const [order] = await tx.query<{ customer_id: string }>(text, values);
  if (!order) throw notFound(ORDER_TYPE, orderId);
  return order.customer_id;
}

async function pay(
  tx: Sql,
  outbox: Outbox,
  { orderId, amount, method }: CreatePaymentRequest,
): Promise<Payment> {
  const order = await lockOrder(tx, orderId);
  if (!order) throw notFound(ORDER_TYPE, orderId);
  if (order.state !== OrderState.ORDER_STATE_PENDING) {
    const message = `The order ${orderId} was paid or cancelled already.`;
    throw failedPrecondition('ORDER_NOT_PAYABLE', orderId, message);
  }
  const nanos = amount && nanosFromMoney(amount, 'amount');
  if (nanos !== order.total_nanos || amount?.currencyCode !== order.currency_code) {
    throw failedPrecondition(
      'AMOUNT_MISMATCH',
      orderId,
      `The amount is not the total of the order ${orderId}.`,
    );
  }
  const [row] = await tx.query<PaymentRow>(
    `INSERT INTO payments (id, order_id, currency_code, amount_nanos, state, method, create_time)
     VALUES ('payment-' || nextval('payment_numbers'), $1, $2, $3, $4, $5, clock_timestamp()) RETURNING ${PAYMENT_COLUMNS.join(', ')}`,
    [orderId, order.currency_code, nanos, PaymentState.PAYMENT_STATE_CAPTURED, methodToJson(method)],
  );
  if (!row) throw new Error('Postgres took no payment.');
  await changeState(tx, outbox, order, OrderState.ORDER_STATE_PAID, { paymentId: row.id });
  return paymentFromRow(row);
}
