import type { GraphQLResolveInfo } from 'graphql';
import { productById } from '../loaders/catalog.ts';
import type { ShopContext } from '../loaders/context.ts';
import { listOrders, OrderState, orderById, orderCalls } from '../loaders/orders.ts';
import { paymentById } from '../loaders/payments.ts';
import { required } from '../loaders/required.ts';
import { userById } from '../loaders/users.ts';
import { assertNodeId, type PageArguments, resolveConnection } from '../src/index.ts';
import type {
  OrderLine as OrderLineMessage,
  Order as OrderMessage,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { builder } from './builder.ts';
import { found } from './found.ts';
import { Money } from './money.ts';
import { NodeInterface } from './node-interface.ts';
import { Payment } from './payment.ts';
import { Product } from './product.ts';
import { enumValues, knownValue } from './proto-enum.ts';
import { User } from './user.ts';

/** The values of {@link OrderStateEnum}. */
export const orderStates = enumValues(OrderState, 'ORDER_STATE_', {
  PENDING: 'Submitted, not yet paid.',
  PAID: 'Paid.',
  PACKED: 'Packed in the warehouse.',
  SHIPPED: 'On its way.',
  DELIVERED: 'With the customer.',
  CANCELLED: 'Cancelled; its stock was given back.',
});

/** How far an order has come. */
export const OrderStateEnum = builder.enumType('OrderState', {
  description: 'How far an order has come.',
  values: orderStates,
});

/** Most lines of an order: what the orders service documents. */
const maxLines = 100;
/** Lines that are given unasked: more than most orders have, and a page of 20 orders with their products stays below half of the ceiling. */
const defaultLines = 20;

const OrderLine = builder.objectRef<OrderLineMessage>('OrderLine').implement({
  description: 'Some pieces of one product in an order.',
  // Lines come within their order, up to 100 of them: an eighth of a row that is read by itself, which sums without rounding.
  cost: 0.125,
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'Position in the order, from 1.' }),
    quantity: t.exposeInt('quantity', { description: 'Pieces, 1 to 999.' }),
    unitPrice: t.field({
      type: Money,
      description: 'What one piece cost when it was ordered.',
      resolve: ({ unitPrice }) => required(unitPrice, 'unit_price'),
    }),
    product: t.field({
      type: Product,
      nullable: true,
      calls: [productById],
      description: 'The product; null when it is no longer known.',
      resolve: ({ productId }, _args, context, info) =>
        context.load(productById, productId, context.readMask(info, 'Product')),
    }),
  }),
});

/** What one customer has ordered at one time. */
export const Order = builder.objectRef<OrderMessage>('Order').implement({
  description: 'What one customer has ordered at one time.',
  interfaces: [NodeInterface],
  masked: true,
  fields: (t) => ({
    state: t.field({
      type: OrderStateEnum,
      nullable: true,
      needs: ['state'],
      description: 'How far it has come; null when that is not known.',
      resolve: ({ state }) => knownValue(orderStates, state),
    }),
    note: t.exposeString('note', { description: 'A line from the customer.' }),
    total: t.field({
      type: Money,
      needs: ['total'],
      description: 'Sum of the lines.',
      resolve: ({ total }) => required(total, 'total'),
    }),
    lines: t.field({
      type: [OrderLine],
      needs: ['lines'],
      description: 'What was ordered, by number: the first lines, as many as are asked for. Fewer cost less.',
      args: {
        first: t.arg.int({
          description: `How many lines at most, 0 to ${maxLines}. Default: ${defaultLines}.`,
        }),
      },
      listSize: {
        slicingArguments: ['first'],
        requireOneSlicingArgument: false,
        assumedSize: defaultLines,
        maximum: maxLines,
      },
      resolve: ({ lines }, { first }) => lines.slice(0, first ?? defaultLines),
    }),
    customer: t.field({
      type: User,
      nullable: true,
      needs: ['customer_id'],
      calls: [userById],
      description: 'The user who ordered; null when the account is gone.',
      resolve: ({ customerId }, _args, context, info) =>
        context.load(userById, customerId, context.readMask(info, 'User')),
    }),
    payment: t.field({
      type: Payment,
      nullable: true,
      needs: ['payment_id'],
      calls: [paymentById],
      description: 'The payment; null when there is none yet.',
      resolve: ({ paymentId }, _args, context) => context.load(paymentById, paymentId || null),
    }),
    createdAt: t.field({
      type: 'DateTime',
      needs: ['create_time'],
      description: 'When it was submitted.',
      resolve: ({ createTime }) => required(createTime, 'create_time'),
    }),
    updatedAt: t.field({
      type: 'DateTime',
      needs: ['update_time'],
      description: 'When it last changed.',
      resolve: ({ updateTime }) => required(updateTime, 'update_time'),
    }),
  }),
});

const OrderFilter = builder.inputType('OrderFilter', {
  description: 'Which orders to list; what is left out lets all pass.',
  fields: (t) => ({
    customer: t.id({ description: 'Only orders of this user, by global id.' }),
    state: t.field({ type: OrderStateEnum, description: 'Only orders in this state.' }),
  }),
});

builder.queryFields((t) => ({
  order: t.field({
    type: Order,
    nullable: true,
    calls: [orderById],
    description: 'An order by its id; null with an error when there is none for you.',
    args: { id: t.arg.id({ required: true, description: 'The global id of an order.' }) },
    resolve: (_root, { id }, context, info) =>
      context.load(orderById, assertNodeId(id, 'Order'), context.readMask(info, 'Order')).then(found),
  }),
  orders: t.connection(
    {
      type: Order,
      // For who runs the shop; the orders of a customer hang on the viewer.
      variants: ['web'],
      nullable: true,
      authScopes: { scope: 'orders:read' },
      calls: [orderCalls.listOrders],
      description: 'What all customers have ordered, newest first. Needs the scope `orders:read`.',
      args: { filter: t.arg({ type: OrderFilter, description: 'Which orders. Default: all.' }) },
      resolve: (_root, args, context, info) => {
        const { customer, state } = args.filter ?? {};
        const customerId = typeof customer === 'string' ? assertNodeId(customer, 'User') : '';
        return resolveOrders(context, info, args, { customerId, state });
      },
    },
    { name: 'OrderConnection', description: 'A page of orders.' },
    { name: 'OrderEdge', description: 'An order in a page.' },
  ),
}));

/** One page of orders, newest first: of one customer, or of all where the id is ''. */
export function resolveOrders(
  context: ShopContext,
  info: GraphQLResolveInfo,
  args: PageArguments,
  chosen: { readonly customerId: string; readonly state: OrderState | null | undefined },
) {
  const filter = { ...chosen, state: chosen.state ?? OrderState.ORDER_STATE_UNSPECIFIED };
  return resolveConnection(context, info, args, {
    filter,
    order: 'newest',
    load: (page) => listOrders(context, filter, context.readMask(info, 'Order'), page),
  });
}
