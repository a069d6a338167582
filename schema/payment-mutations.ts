import { createPayment, paymentCalls } from '../loaders/payments.ts';
import { assertNodeId } from '../src/index.ts';
import type {
  CreatePaymentRequest,
  Payment as PaymentMessage,
} from '../upstream-protos/gen/shop/payments/v1/payments.ts';
import { builder } from './builder.ts';
import { Payment } from './payment.ts';

const CardInput = builder.inputType('CardPaymentInput', {
  description: 'A card, as the payment provider has verified it.',
  fields: (t) => ({
    brand: t.string({ required: true, description: 'The brand of the card, such as `visa`.' }),
    lastFour: t.string({ required: true, description: 'The last four digits.' }),
  }),
});

const BankTransferInput = builder.inputType('BankTransferPaymentInput', {
  description: 'A bank transfer.',
  fields: (t) => ({
    bankName: t.string({ required: true, description: 'The name of the bank.' }),
    accountSuffix: t.string({ required: true, description: 'The last four characters of the account.' }),
  }),
});

const VoucherInput = builder.inputType('VoucherPaymentInput', {
  description: 'A voucher of the shop.',
  fields: (t) => ({ code: t.string({ required: true, description: 'The code of the voucher.' }) }),
});

const PaymentMethodInput = builder.inputType('PaymentMethodInput', {
  description: 'By what means to pay: exactly one of these.',
  isOneOf: true,
  fields: (t) => ({
    card: t.field({ type: CardInput, description: 'By card.' }),
    bankTransfer: t.field({ type: BankTransferInput, description: 'By bank transfer.' }),
    voucher: t.field({ type: VoucherInput, description: 'With a voucher.' }),
  }),
});

const CreatePaymentInput = builder.inputType('CreatePaymentInput', {
  description: 'A payment for one order.',
  fields: (t) => ({
    order: t.id({ required: true, description: 'The global id of the order.' }),
    amount: t.field({ type: 'Decimal', required: true, description: 'How much: the total of the order.' }),
    currencyCode: t.string({ required: true, description: 'ISO 4217 code of three letters, such as `EUR`.' }),
    method: t.field({ type: PaymentMethodInput, required: true, description: 'By what means.' }),
    idempotencyKey: t.string({
      description:
        'Same key, same payment: sent again, it gives the first answer again. Needed, here or in the header `Idempotency-Key`; 16 to 255 visible ASCII characters.',
    }),
  }),
});

const CreatePaymentPayload = builder
  .objectRef<{ readonly payment: PaymentMessage }>('CreatePaymentPayload')
  .implement({
    description: 'A payment that was made.',
    fields: (t) => ({
      payment: t.field({ type: Payment, description: 'The payment.', resolve: ({ payment }) => payment }),
    }),
  });

builder.mutationFields((t) => ({
  createPayment: t.field({
    type: CreatePaymentPayload,
    nullable: true,
    authScopes: { user: true },
    // Takes money, once for each key: it locks the order and writes both, and its provider is paid by the call.
    cost: 20,
    idempotency: 'required',
    calls: [paymentCalls.createPayment],
    description:
      'Pays an order. `FAILED_PRECONDITION` when it is paid or cancelled, or its total is another.',
    args: { input: t.arg({ type: CreatePaymentInput, required: true, description: 'The payment.' }) },
    resolve: async (_root, { input }, context) => {
      const { order, amount, currencyCode, method } = input;
      const orderId = assertNodeId(order, 'Order', ['input', 'order']);
      const request = {
        idempotencyKey: context.idempotencyKey ?? '',
        orderId,
        amount: { currencyCode, ...amount },
        method: methodOf(method),
      };
      return { payment: await createPayment(context, request) };
    },
  }),
}));

/** GraphQL has seen to it that exactly one is there. */
function methodOf({
  card,
  bankTransfer,
  voucher,
}: typeof PaymentMethodInput.$inferInput): CreatePaymentRequest['method'] {
  if (card) return { $case: 'card', value: card };
  if (bankTransfer) return { $case: 'bankTransfer', value: bankTransfer };
  return voucher ? { $case: 'voucher', value: voucher } : undefined;
}
