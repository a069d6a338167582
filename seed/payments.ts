import { OrderState as orderStates } from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import {
  type PaymentState,
  PaymentState as states,
} from '../upstream-protos/gen/shop/payments/v1/payments.ts';
import { type OrderRow, orderAt } from './orders.ts';
import { type Plan, referenceMs } from './plan.ts';
import { createRandom, intBetween, pickOne, pickWeighted, type Random } from './random.ts';

export interface PaymentRow {
  readonly number: number;
  readonly state: PaymentState;
  /** As the column `payments.method` holds it. */
  readonly method: Readonly<Record<string, unknown>>;
  readonly createMs: number;
}

export interface PaidOrder {
  readonly order: OrderRow;
  readonly payment: PaymentRow | undefined;
}

const methods = [
  ['card', 70],
  ['bankTransfer', 22],
  ['voucher', 8],
] as const;
const brands = ['visa', 'mastercard', 'amex'] as const;
const banks = ['Nordbank', 'Banco Río', 'Crédit Régional', 'First Example Bank', 'Sparkasse Süd'] as const;

/** Every order with its payment, if it has one; payments are numbered from 1 in the order of their orders. */
export function* paidOrders(plan: Plan): Generator<PaidOrder> {
  let paymentNumber = 0;
  for (let number = 1; number <= plan.orders; number += 1) {
    const order = orderAt(plan, number);
    // A stream of its own: the negative numbers of the orders' one.
    const random = createRandom(plan.seed, 'order', -number);
    const state = paymentState(random, order);
    if (state === undefined) {
      yield { order, payment: undefined };
      continue;
    }
    paymentNumber += 1;
    yield { order, payment: paymentOf(random, order, paymentNumber, state) };
  }
}

/** The payment that an order names: one that failed is tried again, so the order does not name it. */
export function namedPaymentId(payment: PaymentRow | undefined): string {
  return payment === undefined || payment.state === states.PAYMENT_STATE_FAILED
    ? ''
    : `payment-${payment.number}`;
}

function paymentState(random: Random, order: OrderRow): PaymentState | undefined {
  const chance = random();
  if (order.state === orderStates.ORDER_STATE_PENDING)
    return chance < 0.2 ? states.PAYMENT_STATE_FAILED : undefined;
  if (order.state === orderStates.ORDER_STATE_CANCELLED)
    return chance < 0.5 ? states.PAYMENT_STATE_REFUNDED : undefined;
  return states.PAYMENT_STATE_CAPTURED;
}

function paymentOf(random: Random, order: OrderRow, number: number, state: PaymentState): PaymentRow {
  const createMs = Math.min(
    order.createMs + intBetween(random, 2_000, 3_600_000),
    order.updateMs,
    referenceMs,
  );
  return { number, state, method: method(random), createMs };
}

function method(random: Random): Readonly<Record<string, unknown>> {
  const fourDigits = String(intBetween(random, 0, 9999)).padStart(4, '0');
  switch (pickWeighted(random, methods)) {
    case 'card':
      return { card: { brand: pickOne(random, brands), lastFour: fourDigits } };
    case 'bankTransfer':
      return { bankTransfer: { bankName: pickOne(random, banks), accountSuffix: fourDigits } };
    case 'voucher':
      return { voucher: { code: `GIFT-${fourDigits}` } };
  }
}
