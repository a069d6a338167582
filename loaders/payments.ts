import { defineLoader, type UpstreamPage, type UpstreamRows, withInputPaths } from '../src/index.ts';
import {
  type CreatePaymentRequest,
  type Payment,
  PaymentServiceService as payments,
} from '../upstream-protos/gen/shop/payments/v1/payments.ts';
import type { ShopContext } from './context.ts';
import { pageRequest, pageRows } from './page.ts';
import { required } from './required.ts';

export { PaymentState } from '../upstream-protos/gen/shop/payments/v1/payments.ts';

/** Methods that change nothing, so that a failed call may be tried again. */
export const paymentReads = [payments.batchGetPayments, payments.listPayments];

/** The call of each function here that makes one, for the price of the fields that use it. */
export const paymentCalls = {
  listPayments: { upstream: 'payments', method: payments.listPayments.path },
  createPayment: { upstream: 'payments', method: payments.createPayment.path },
} as const;

/** Payments by id. */
export const paymentById = defineLoader({
  name: 'paymentById',
  maxBatchSize: 500,
  upstream: 'payments',
  method: payments.batchGetPayments.path,
  keyOf: (payment: Payment) => payment.id,
  fetch: async (ids: readonly string[], _: undefined, context: ShopContext) => {
    const response = await context.upstreams.payments.unary(payments.batchGetPayments, { ids: [...ids] });
    return response.payments;
  },
});

/** One page of the payments for a user's orders, newest first. */
export async function listPayments(
  context: ShopContext,
  customerId: string,
  page: UpstreamPage,
): Promise<UpstreamRows<Payment>> {
  const request = { customerId, page: pageRequest(page) };
  const response = await context.upstreams.payments.unary(payments.listPayments, request);
  return pageRows(response.payments, response.page);
}

/** Pays an order; the same key gives the same payment. */
export async function createPayment(context: ShopContext, request: CreatePaymentRequest): Promise<Payment> {
  const created = context.upstreams.payments.unary(payments.createPayment, request);
  const { payment } = await withInputPaths(created, {
    idempotencyKey: 'input.idempotencyKey',
    orderId: 'input.order',
    amount: 'input.amount',
    'amount.units': 'input.amount',
    'amount.nanos': 'input.amount',
    method: 'input.method',
    'card.brand': 'input.method.card.brand',
    'card.lastFour': 'input.method.card.lastFour',
    'bankTransfer.bankName': 'input.method.bankTransfer.bankName',
    'bankTransfer.accountSuffix': 'input.method.bankTransfer.accountSuffix',
    'voucher.code': 'input.method.voucher.code',
  });
  return required(payment, 'payment');
}
