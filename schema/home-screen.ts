import type { GraphQLResolveInfo } from 'graphql';
import { catalogCalls, listProducts, ProductOrder } from '../loaders/catalog.ts';
import type { ShopContext } from '../loaders/context.ts';
import { listOrders, OrderState, orderCalls } from '../loaders/orders.ts';
import { userById } from '../loaders/users.ts';
import { builder } from './builder.ts';
import { Order } from './order.ts';
import { Product } from './product.ts';
import { User } from './user.ts';

/** A phone shows this much before anybody scrolls. */
const rows = { orders: 3, products: 6 } as const;

/** What the app shows when it is opened: made for its one request, so nothing of it has pages. */
const HomeScreen = builder.objectRef<{ readonly userId: string | null }>('HomeScreen').implement({
  variants: ['mobile'],
  description: 'What the app shows when it is opened, in one request.',
  // It is made of the token; what stands on it has prices of its own.
  cost: 0,
  fields: (t) => ({
    user: t.field({
      type: User,
      nullable: true,
      calls: [userById],
      description: 'Who asks; null for whoever has no token of a user.',
      resolve: ({ userId }, _args, context, info) =>
        context.load(userById, userId, context.readMask(info, 'User')),
    }),
    latestOrders: t.field({
      type: [Order],
      nullable: true,
      listSize: { assumedSize: rows.orders },
      calls: [orderCalls.listOrders],
      description: `The last ${rows.orders} orders of who asks, the newest first.`,
      resolve: ({ userId }, _args, context, info) => latestOrders(context, info, userId),
    }),
    bestsellers: t.field({
      type: [Product],
      nullable: true,
      listSize: { assumedSize: rows.products },
      calls: [catalogCalls.listProducts],
      description: `${rows.products} products that were sold most.`,
      resolve: (_screen, _args, context, info) =>
        firstProducts(context, info, ProductOrder.PRODUCT_ORDER_BESTSELLING),
    }),
    newArrivals: t.field({
      type: [Product],
      nullable: true,
      listSize: { assumedSize: rows.products },
      calls: [catalogCalls.listProducts],
      description: `The last ${rows.products} products that came.`,
      resolve: (_screen, _args, context, info) =>
        firstProducts(context, info, ProductOrder.PRODUCT_ORDER_NEWEST),
    }),
  }),
});

builder.queryFields((t) => ({
  homeScreen: t.field({
    type: HomeScreen,
    variants: ['mobile'],
    description: 'What the app shows when it is opened, in one request.',
    resolve: (_root, _args, { principal }) => ({
      userId: principal.kind === 'user' ? principal.subject : null,
    }),
  }),
}));

function firstPage(size: number) {
  return { size, after: '', before: '', backward: false, skip: 0 };
}

async function latestOrders(context: ShopContext, info: GraphQLResolveInfo, userId: string | null) {
  if (userId === null) return [];
  const filter = { customerId: userId, state: OrderState.ORDER_STATE_UNSPECIFIED };
  const page = await listOrders(context, filter, context.readMask(info, 'Order'), firstPage(rows.orders));
  return page.rows;
}

async function firstProducts(context: ShopContext, info: GraphQLResolveInfo, order: ProductOrder) {
  const query = { order, filter: undefined };
  const page = await listProducts(
    context,
    query,
    context.readMask(info, 'Product'),
    firstPage(rows.products),
  );
  return page.rows;
}
