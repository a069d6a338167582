import { defineLoader } from '../src/index.ts';
import {
  type Payment,
  PaymentServiceService as payments,
} from '../upstream-protos/gen/shop/payments/v1/payments.ts';
import type { ShopContext } from './context.ts';

export { PaymentState } from '../upstream-protos/gen/shop/payments/v1/payments.ts';

/** Methods that change nothing, so that a failed call may be tried again. */
export const paymentReads = [payments.batchGetPayments];

/** Payments by id. */
export const paymentById = defineLoader({
  name: 'paymentById',
  maxBatchSize: 500,
  keyOf: (payment: Payment) => payment.id,
  fetch: async (ids: readonly string[], _: undefined, context: ShopContext) => {
    const response = await context.upstreams.payments.unary(payments.batchGetPayments, { ids: [...ids] });
    return response.payments;
  },
});
