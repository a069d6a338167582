import type { Payment, PaymentState } from '../upstream-protos/gen/shop/payments/v1/payments.ts';
import { moneyFromNanos } from './money.ts';

/** What the payment columns give. */
export interface PaymentRow {
  readonly id: string;
  readonly order_id: string;
  readonly currency_code: string;
  readonly amount_nanos: bigint;
  readonly state: PaymentState;
  /** One key, the name of the case: {"card": {"brand": "visa", "lastFour": "4242"}}. */
  readonly method: Readonly<Record<string, unknown>>;
  readonly create_time: Date;
}

/** For SELECT and for RETURNING. */
export const PAYMENT_COLUMNS = 'id order_id currency_code amount_nanos state method create_time'.split(' ');

export function paymentFromRow(row: PaymentRow): Payment {
  return {
    id: row.id,
    orderId: row.order_id,
    amount: moneyFromNanos(row.currency_code, row.amount_nanos),
    state: row.state,
    method: methodFromJson(row.method),
    createTime: row.create_time,
  };
}

export function methodToJson(method: Payment['method']): Record<string, unknown> {
  return method ? { [method.$case]: method.value } : {};
}

function methodFromJson(json: PaymentRow['method']): Payment['method'] {
  const [$case, value] = Object.entries(json)[0] ?? [];
  return { $case, value } as Payment['method']; // The column holds what methodToJson writes, or the seed in the same shape.
}
