import type { ShopContext } from '../loaders/context.ts';
import { orderById } from '../loaders/orders.ts';
import { required } from '../loaders/required.ts';
import { type OrderChange as OrderChangeMessage, orderChanges } from '../loaders/watch-orders.ts';
import { assertNodeId, WeirError } from '../src/index.ts';
import { builder } from './builder.ts';
import { Order, OrderStateEnum, orderStates } from './order.ts';
import { knownValue } from './proto-enum.ts';

const OrderChange = builder.objectRef<OrderChangeMessage>('OrderChange').implement({
  description: 'An order that was made, or whose state has changed.',
  fields: (t) => ({
    order: t.field({
      type: Order,
      nullable: true,
      calls: [orderById],
      description: 'The order as it is now, which may be later than this change; null when it is gone.',
      resolve: ({ orderId }, _args, context, info) =>
        context.load(orderById, orderId, context.readMask(info, 'Order')),
    }),
    previousState: t.field({
      type: OrderStateEnum,
      nullable: true,
      description: 'The state before; null for a new order.',
      resolve: ({ oldState }) => knownValue(orderStates, oldState),
    }),
    state: t.field({
      type: OrderStateEnum,
      nullable: true,
      description: 'The state that it came into; null when that is not known.',
      resolve: ({ newState }) => knownValue(orderStates, newState),
    }),
    changedAt: t.field({
      type: 'DateTime',
      description: 'When it changed.',
      resolve: ({ changeTime }) => required(changeTime, 'change_time'),
    }),
  }),
});

/** Who may ask for changes at all; whose they are told of is up to the orders service. */
const authScopes = { $any: { user: true, scope: 'orders:read' } };

builder.subscriptionFields((t) => ({
  orderChanged: t.field({
    type: OrderChange,
    nullable: true,
    authScopes,
    description: 'Each change of one order, which the caller may read.',
    args: { id: t.arg.id({ required: true, description: 'The global id of an order.' }) },
    subscribe: async (_root, { id }, context) => {
      const orderId = assertNodeId(id, 'Order');
      await assertReadable(context, orderId);
      return orderChanges({ customerId: '', orderId });
    },
    resolve: (change) => change,
  }),
  orders: t.field({
    type: OrderChange,
    nullable: true,
    authScopes,
    description:
      'Each order that is made and each change of one: of the user who asks; with the scope `orders:read`, of all customers.',
    args: {
      customer: t.arg.id({
        description:
          'Only orders of this user, by global id. Without the scope `orders:read` it can only be the one who asks, which is the default.',
      }),
    },
    subscribe: (_root, { customer }, context) => {
      const customerId = typeof customer === 'string' ? assertNodeId(customer, 'User') : '';
      return orderChanges({ customerId: readableCustomer(context, customerId), orderId: '' });
    },
    resolve: (change) => change,
  }),
}));

/** An order of somebody else is not there, and neither are its changes. */
async function assertReadable(context: ShopContext, orderId: string): Promise<void> {
  if (await context.load(orderById, orderId, ['id'])) return;
  throw new WeirError('NOT_FOUND', { message: 'There is no such order, or it is not yours.' });
}

/** The customer whose orders the caller follows; '' for all. */
function readableCustomer({ principal }: ShopContext, customerId: string): string {
  if (principal.scopes.has('orders:read')) return customerId;
  const subject = principal.subject ?? '';
  if (customerId === '' || customerId === subject) return subject;
  throw new WeirError('FORBIDDEN', {
    message: 'Argument "customer": orders of other users need the scope "orders:read".',
  });
}
