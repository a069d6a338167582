import { productById } from '../loaders/catalog.ts';
import {
  cancelOrder,
  orderById,
  orderCalls,
  SyncOutcome,
  submitOrder,
  syncOrders,
  WarehouseEventKind,
} from '../loaders/orders.ts';
import { assertNodeId, WeirError } from '../src/index.ts';
import type {
  Order as OrderMessage,
  SyncOrdersResponse,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { builder } from './builder.ts';
import { invalidInput } from './invalid-input.ts';
import { Order, OrderStateEnum, orderStates } from './order.ts';
import { Product } from './product.ts';
import { enumValues, knownValue } from './proto-enum.ts';
import { assertSubject } from './subject.ts';

const SubmitOrderLine = builder.inputType('SubmitOrderLineInput', {
  description: 'Some pieces of one product.',
  fields: (t) => ({
    product: t.id({
      required: true,
      description: 'The global id of a product; each at most once in an order.',
    }),
    quantity: t.int({ required: true, description: 'Pieces, 1 to 999.' }),
  }),
});

const SubmitOrderInput = builder.inputType('SubmitOrderInput', {
  description: 'A new order of the user who asks.',
  fields: (t) => ({
    lines: t.field({
      type: [SubmitOrderLine],
      required: true,
      description: 'What is ordered, 1 to 100 lines.',
    }),
    note: t.string({ description: 'A line for the shop, at most 200 characters.' }),
    idempotencyKey: t.string({
      description:
        'Same key, same order: sent again, it gives the first answer again. Needed, here or in the header `Idempotency-Key`; 16 to 255 visible ASCII characters.',
    }),
  }),
});

/** Most faults that a service lists in one refusal. */
const maxShortages = 16;

interface Shortage {
  readonly line: number;
  readonly productId: string;
}

const StockShortage = builder.objectRef<Shortage>('StockShortage').implement({
  description: 'A line that asks for more than there is.',
  fields: (t) => ({
    line: t.exposeInt('line', { description: 'Its index in `input.lines`, from 0.' }),
    product: t.field({
      type: Product,
      nullable: true,
      calls: [productById],
      description: 'The product, with the `stock` that there is.',
      resolve: ({ productId }, _args, context, info) =>
        context.load(productById, productId, context.readMask(info, 'Product')),
    }),
  }),
});

const OrderSubmitted = builder
  .objectRef<{ $case: 'submitted'; order: OrderMessage }>('OrderSubmitted')
  .implement({
    description: 'The order was taken.',
    fields: (t) => ({
      order: t.field({ type: Order, description: 'The order.', resolve: ({ order }) => order }),
    }),
  });

const OutOfStock = builder
  .objectRef<{ $case: 'short'; shortages: readonly Shortage[] }>('OutOfStock')
  .implement({
    description: 'There is too little of a product, and nothing was ordered.',
    fields: (t) => ({
      shortages: t.field({
        type: [StockShortage],
        listSize: { assumedSize: maxShortages },
        description: `The lines that ask for too much, or the first ${maxShortages} of them.`,
        resolve: ({ shortages }) => shortages,
      }),
    }),
  });

const SubmitOrderResult = builder.unionType('SubmitOrderResult', {
  description: 'How a submitted order fared.',
  types: [OrderSubmitted, OutOfStock],
  resolveType: ({ $case }) => ($case === 'submitted' ? 'OrderSubmitted' : 'OutOfStock'),
});

const OrderCancelled = builder
  .objectRef<{ $case: 'cancelled'; order: OrderMessage }>('OrderCancelled')
  .implement({
    description: 'The order was cancelled; stock and money were given back.',
    fields: (t) => ({
      order: t.field({
        type: Order,
        // As in OrderNotCancellable: what differs in that cannot be asked for of both under one name.
        nullable: true,
        description: 'The order.',
        resolve: ({ order }) => order,
      }),
    }),
  });

const OrderNotCancellable = builder
  .objectRef<{ $case: 'refused'; orderId: string }>('OrderNotCancellable')
  .implement({
    description: 'The order has come too far to be cancelled, or was cancelled before.',
    fields: (t) => ({
      order: t.field({
        type: Order,
        nullable: true,
        calls: [orderById],
        description: 'The order as it is.',
        resolve: ({ orderId }, _args, context, info) =>
          context.load(orderById, orderId, context.readMask(info, 'Order')),
      }),
    }),
  });

const CancelOrderResult = builder.unionType('CancelOrderResult', {
  description: 'How a cancellation fared.',
  types: [OrderCancelled, OrderNotCancellable],
  resolveType: ({ $case }) => ($case === 'cancelled' ? 'OrderCancelled' : 'OrderNotCancellable'),
});

const CancelOrderInput = builder.inputType('CancelOrderInput', {
  description: 'An order to cancel.',
  fields: (t) => ({
    order: t.id({ required: true, description: 'The global id of the order.' }),
    reason: t.string({ description: 'Why, at most 200 characters.' }),
  }),
});

const EventKind = builder.enumType('WarehouseEventKind', {
  description: 'What happened to an order in the warehouse.',
  values: enumValues(WarehouseEventKind, 'WAREHOUSE_EVENT_KIND_', {
    PACKED: 'The order was packed.',
    SHIPPED: 'The order has left.',
    DELIVERED: 'The order has arrived.',
  }),
});

const outcomes = enumValues(SyncOutcome, 'SYNC_OUTCOME_', {
  APPLIED: 'It was committed.',
  UNCHANGED: 'The order was there already, or further: nothing changed.',
  REFUSED: 'The state of the order does not allow it.',
  NOT_FOUND: 'There is no such order.',
});

const SyncOutcomeEnum = builder.enumType('SyncOutcome', {
  description: 'How an event of the warehouse fared.',
  values: outcomes,
});

const WarehouseEvent = builder.inputType('WarehouseEventInput', {
  description: 'An event of the warehouse.',
  fields: (t) => ({
    id: t.string({ required: true, description: 'Chosen by the sender, unique in the call.' }),
    order: t.id({ required: true, description: 'The global id of the order.' }),
    kind: t.field({ type: EventKind, required: true, description: 'What happened.' }),
  }),
});

const SyncAck = builder.objectRef<SyncOrdersResponse>('SyncAck').implement({
  description: 'The answer to one event of the warehouse.',
  // Each event is a transaction of its own, though all share one call.
  cost: 2,
  fields: (t) => ({
    id: t.exposeString('eventId', { description: 'The id that the sender chose.' }),
    outcome: t.field({
      type: SyncOutcomeEnum,
      nullable: true,
      description: 'How it fared; null when that is not known.',
      resolve: ({ outcome }) => knownValue(outcomes, outcome),
    }),
    state: t.field({
      type: OrderStateEnum,
      nullable: true,
      description: 'The state of the order afterwards; null when there is no such order.',
      resolve: ({ state }) => knownValue(orderStates, state),
    }),
  }),
});

/** Most events of one operation: they share its deadline. */
const maxEvents = 100;

builder.mutationFields((t) => ({
  submitOrder: t.field({
    type: SubmitOrderResult,
    nullable: true,
    authScopes: { user: true },
    // Locks a row for each product, and writes the order, its lines and its event.
    cost: 20,
    idempotency: 'required',
    calls: [orderCalls.submitOrder],
    description: 'Orders as the user who asks.',
    args: { input: t.arg({ type: SubmitOrderInput, required: true, description: 'The order.' }) },
    resolve: async (_root, { input }, context) => {
      const lines = input.lines.map(({ product, quantity }, index) => ({
        productId: assertNodeId(product, 'Product', ['input', 'lines', index, 'product']),
        quantity,
      }));
      const header = {
        customerId: assertSubject(context),
        note: input.note ?? '',
        idempotencyKey: context.idempotencyKey ?? '',
      };
      try {
        return { $case: 'submitted' as const, order: await submitOrder(context, { header, lines }) };
      } catch (thrown) {
        const short = hasReason(thrown, 'OUT_OF_STOCK') ? shortLines(thrown) : [];
        if (short.length === 0) throw thrown;
        const shortages = short.map((line) => ({ line, productId: lines[line]?.productId ?? '' }));
        return { $case: 'short' as const, shortages };
      }
    },
  }),
  cancelOrder: t.field({
    type: CancelOrderResult,
    nullable: true,
    authScopes: { user: true },
    // Gives stock and money back: a row for each product, the payment and the order.
    cost: 10,
    calls: [orderCalls.cancelOrder],
    description: 'Cancels an order that is not shipped yet.',
    args: { input: t.arg({ type: CancelOrderInput, required: true, description: 'The order.' }) },
    resolve: async (_root, { input }, context) => {
      const id = assertNodeId(input.order, 'Order', ['input', 'order']);
      try {
        const order = await cancelOrder(context, { id, reason: input.reason ?? '' });
        return { $case: 'cancelled' as const, order };
      } catch (thrown) {
        if (!hasReason(thrown, 'ORDER_NOT_CANCELLABLE')) throw thrown;
        return { $case: 'refused' as const, orderId: id };
      }
    },
  }),
  syncOrders: t.field({
    type: [SyncAck],
    // The warehouse has no app.
    variants: ['web'],
    nullable: true,
    authScopes: { scope: 'orders:write' },
    listSize: { slicingArguments: ['events'], maximum: maxEvents },
    calls: [orderCalls.syncOrders],
    description: 'Tells the shop what happened in the warehouse; the answers are in the order of the events.',
    args: {
      events: t.arg({ type: [WarehouseEvent], required: true, description: `1 to ${maxEvents} events.` }),
    },
    resolve: (_root, { events }, context) => {
      if (events.length === 0) throw invalidInput(['events'], `expected 1 to ${maxEvents} events, got 0.`);
      return syncOrders(
        context,
        events.map(({ id, order, kind }, index) => ({
          eventId: id,
          orderId: assertNodeId(order, 'Order', ['events', index, 'order']),
          kind,
        })),
      );
    },
  }),
}));

function hasReason(thrown: unknown, reason: string): thrown is WeirError {
  return thrown instanceof WeirError && thrown.extensions['reason'] === reason;
}

/** The indexes of the lines that a refusal names. */
function shortLines({ extensions }: WeirError): number[] {
  const { fieldViolations } = extensions;
  if (!Array.isArray(fieldViolations)) return [];
  return fieldViolations.flatMap(({ path }) =>
    path?.[1] === 'lines' && typeof path[2] === 'number' ? [path[2]] : [],
  );
}
