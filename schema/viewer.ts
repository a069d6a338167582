import { chatCalls, listRooms } from '../loaders/chat.ts';
import { orderCalls } from '../loaders/orders.ts';
import { listPayments, paymentCalls } from '../loaders/payments.ts';
import { userById } from '../loaders/users.ts';
import { resolveConnection } from '../src/index.ts';
import { builder } from './builder.ts';
import { Order, OrderStateEnum, resolveOrders } from './order.ts';
import { Payment } from './payment.ts';
import { Room } from './room.ts';
import { User } from './user.ts';

/** Whoever asks, as a verified user: what hangs here is theirs. */
const Viewer = builder.objectRef<{ readonly userId: string }>('Viewer').implement({
  description: 'The user who asks, and what belongs to them.',
  // It is made of the token.
  cost: 0,
  fields: (t) => ({
    user: t.field({
      type: User,
      nullable: true,
      calls: [userById],
      description: 'The account; null when it is gone.',
      resolve: ({ userId }, _args, context, info) =>
        context.load(userById, userId, context.readMask(info, 'User')),
    }),
    orders: t.connection(
      {
        type: Order,
        nullable: true,
        calls: [orderCalls.listOrders],
        description: 'What the user has ordered, newest first.',
        args: {
          state: t.arg({ type: OrderStateEnum, description: 'Only orders in this state. Default: all.' }),
        },
        resolve: ({ userId: customerId }, args, context, info) =>
          resolveOrders(context, info, args, { customerId, state: args.state }),
      },
      { name: 'ViewerOrderConnection', description: 'A page of the orders of the user who asks.' },
      { name: 'ViewerOrderEdge', description: 'An order of the user who asks, in a page.' },
    ),
    payments: t.connection(
      {
        type: Payment,
        nullable: true,
        calls: [paymentCalls.listPayments],
        description: 'The payments for these orders, newest first.',
        resolve: ({ userId }, args, context, info) =>
          resolveConnection(context, info, args, {
            filter: { customer: userId },
            order: 'newest',
            load: (page) => listPayments(context, userId, page),
          }),
      },
      { name: 'PaymentConnection', description: 'A page of payments.' },
      { name: 'PaymentEdge', description: 'A payment in a page.' },
    ),
    rooms: t.connection(
      {
        type: Room,
        nullable: true,
        calls: [chatCalls.listRooms],
        description: 'The rooms in which the user may read and write, newest first.',
        resolve: ({ userId }, args, context, info) =>
          resolveConnection(context, info, args, {
            filter: { member: userId },
            order: 'newest',
            load: (page) => listRooms(context, userId, page),
          }),
      },
      { name: 'RoomConnection', description: 'A page of rooms.' },
      { name: 'RoomEdge', description: 'A room in a page.' },
    ),
  }),
});

builder.queryFields((t) => ({
  viewer: t.field({
    type: Viewer,
    nullable: true,
    description: 'The user who asks; null for whoever has no token of a user.',
    resolve: (_root, _args, { principal }) =>
      principal.kind === 'user' && principal.subject !== null ? { userId: principal.subject } : null,
  }),
}));
