import { PaymentState, paymentById } from '../loaders/payments.ts';
import { required } from '../loaders/required.ts';
import { assertNodeId } from '../src/index.ts';
import type {
  BankTransferMethod,
  CardMethod,
  Payment as PaymentMessage,
  VoucherMethod,
} from '../upstream-protos/gen/shop/payments/v1/payments.ts';
import { builder } from './builder.ts';
import { found } from './found.ts';
import { Money } from './money.ts';
import { NodeInterface } from './node-interface.ts';
import { enumValues, knownValue } from './proto-enum.ts';

const paymentStates = enumValues(PaymentState, 'PAYMENT_STATE_', {
  CAPTURED: 'The money has been taken.',
  REFUNDED: 'The money was given back.',
  FAILED: 'The money could not be taken.',
});

const PaymentStateEnum = builder.enumType('PaymentState', {
  description: 'How far a payment has come.',
  values: paymentStates,
});

/** The means come within the payment: nothing is read for them. */
const partOfPayment = 0;

type Method = NonNullable<PaymentMessage['method']>;

const Card = builder.objectRef<{ $case: 'card'; value: CardMethod }>('CardPayment').implement({
  description: 'Paid by card.',
  cost: partOfPayment,
  fields: (t) => ({
    brand: t.string({
      description: 'The brand of the card, such as `visa`.',
      resolve: ({ value }) => value.brand,
    }),
    lastFour: t.string({ description: 'The last four digits.', resolve: ({ value }) => value.lastFour }),
  }),
});

const BankTransfer = builder
  .objectRef<{ $case: 'bankTransfer'; value: BankTransferMethod }>('BankTransferPayment')
  .implement({
    description: 'Paid by bank transfer.',
    cost: partOfPayment,
    fields: (t) => ({
      bankName: t.string({ description: 'The name of the bank.', resolve: ({ value }) => value.bankName }),
      accountSuffix: t.string({
        description: 'The last four characters of the account.',
        resolve: ({ value }) => value.accountSuffix,
      }),
    }),
  });

const Voucher = builder.objectRef<{ $case: 'voucher'; value: VoucherMethod }>('VoucherPayment').implement({
  description: 'Paid with a voucher of the shop.',
  cost: partOfPayment,
  fields: (t) => ({
    code: t.string({ description: 'The code of the voucher.', resolve: ({ value }) => value.code }),
  }),
});

const typenameByCase = {
  card: 'CardPayment',
  bankTransfer: 'BankTransferPayment',
  voucher: 'VoucherPayment',
} as const satisfies Record<Method['$case'], string>;

const PaymentMethod = builder.unionType('PaymentMethod', {
  description: 'By what means a payment was made.',
  types: [Card, BankTransfer, Voucher],
  resolveType: ({ $case }) => typenameByCase[$case],
});

/** Money for one order. */
export const Payment = builder.objectRef<PaymentMessage>('Payment').implement({
  description: 'Money for one order.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    amount: t.field({
      type: Money,
      description: 'How much.',
      resolve: ({ amount }) => required(amount, 'amount'),
    }),
    state: t.field({
      type: PaymentStateEnum,
      nullable: true,
      description: 'How far it has come; null when that is not known.',
      resolve: ({ state }) => knownValue(paymentStates, state),
    }),
    method: t.field({
      type: PaymentMethod,
      nullable: true,
      description: 'By what means; null when that is not known.',
      resolve: ({ method }) => method ?? null,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was made.',
      resolve: ({ createTime }) => required(createTime, 'create_time'),
    }),
  }),
});

builder.queryFields((t) => ({
  payment: t.field({
    type: Payment,
    nullable: true,
    calls: [paymentById],
    description: 'A payment by its id; null with an error when there is none for you.',
    args: { id: t.arg.id({ required: true, description: 'The global id of a payment.' }) },
    resolve: (_root, { id }, context) => context.load(paymentById, assertNodeId(id, 'Payment')).then(found),
  }),
}));
