import {
  type GraphQLField,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isObjectType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../schema/index.ts';
import { callsOf, listSizeOf, weightOf } from '../../src/guard/cost/weights.ts';
import { CatalogServiceService } from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { ChatServiceService } from '../../upstream-protos/gen/shop/chat/v1/chat.ts';
import { OrderServiceService } from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import { PaymentServiceService } from '../../upstream-protos/gen/shop/payments/v1/payments.ts';
import { UserServiceService } from '../../upstream-protos/gen/shop/users/v1/users.ts';

interface Placed {
  readonly coordinate: string;
  readonly parent: string;
  readonly field: GraphQLField<unknown, unknown>;
}

const fields: readonly Placed[] = Object.values(schema.getTypeMap())
  .filter((type) => !isIntrospectionType(type))
  .flatMap((type) => {
    const members = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
    return members.map((field) => ({ coordinate: `${type.name}.${field.name}`, parent: type.name, field }));
  });

const services = {
  catalog: CatalogServiceService,
  chat: ChatServiceService,
  orders: OrderServiceService,
  payments: PaymentServiceService,
  users: UserServiceService,
} as const;

/** What the gateway adds where a page has no sizes of its own. */
const pages = { defaultSize: 20, maximum: 100 };

describe('every list of the shop', () => {
  const lists = fields.filter(({ field }) => isListType(getNullableType(field.type)));

  it('has a finite size', () => {
    expect(lists.length).toBeGreaterThan(10);
    for (const list of lists) expect(sizesOf(list), list.coordinate).toSatisfy(areFinite);
  });

  it('that is no page is as long as its service says', () => {
    const own = lists.filter(({ field }) => field.name !== 'edges');
    expect(Object.fromEntries(own.map((list) => [list.coordinate, sizesOf(list)]))).toEqual({
      'HomeScreen.bestsellers': [6],
      'HomeScreen.latestOrders': [3],
      'HomeScreen.newArrivals': [6],
      'Mutation.syncOrders': [100],
      'Order.lines': [100],
      'OutOfStock.shortages': [16],
      'Product.images': [20],
      'Query.nodes': [100],
      'Room.members': [50],
      'SalesReport.days': [93],
    });
  });
});

describe('every call of the shop', () => {
  const calling = fields.filter(({ field }) => callsOf(field).length > 0);

  it('is one of its upstream', () => {
    expect(calling.length).toBeGreaterThan(25);
    const known = new Set(
      Object.entries(services).flatMap(([upstream, service]) =>
        Object.values(service).map(({ path }) => `${upstream} ${path}`),
      ),
    );
    const declared = calling.flatMap(({ field }) =>
      callsOf(field).map(({ upstream, method }) => `${upstream} ${method}`),
    );
    expect(declared.filter((call) => !known.has(call))).toEqual([]);
  });

  it('is batched but for those of roots and of lists', () => {
    const single = calling.filter(({ field }) => callsOf(field).some(({ loader }) => loader === undefined));
    expect(
      single.map(({ coordinate }) => coordinate).filter((name) => !name.startsWith('Mutation.')),
    ).toEqual([
      'HomeScreen.bestsellers',
      'HomeScreen.latestOrders',
      'HomeScreen.newArrivals',
      'Query.orders',
      'Query.products',
      'Query.salesReport',
      'Room.messages',
      'Viewer.orders',
      'Viewer.payments',
      'Viewer.rooms',
    ]);
  });

  it('is made for each item where a field loads a list by its keys', () => {
    const many = calling.filter(({ field }) => callsOf(field).some(({ keys }) => keys === 'items'));
    expect(many.map(({ coordinate }) => coordinate)).toEqual(['Query.nodes', 'Room.members', 'User.friends']);
  });
});

describe('the prices of the shop', () => {
  it('leave plumbing, and what comes within another message, free', () => {
    const free = Object.values(schema.getTypeMap()).filter((type) => weightOf(type, type.name) === 0);
    expect(free.map(({ name }) => name).sort()).toEqual([
      'BankTransferPayment',
      'CardPayment',
      'FriendEdge',
      'HomeScreen',
      'MessageEdge',
      'Money',
      'OrderEdge',
      'PageInfo',
      'PaymentEdge',
      'ProductEdge',
      'ReviewEdge',
      'RoomEdge',
      'SalesDay',
      'Viewer',
      'ViewerOrderEdge',
      'VoucherPayment',
    ]);
  });
});

/** The most items of a list: by its own size, or by that of each field that gives its parent. */
function sizesOf({ parent, field, coordinate }: Placed): number[] {
  const own = listSizeOf(field, coordinate);
  if (own) return [own.maximum ?? own.assumedSize ?? Number.POSITIVE_INFINITY];
  const above = fields.filter((other) => getNamedType(other.field.type).name === parent);
  if (above.length === 0) return [Number.POSITIVE_INFINITY];
  return above.map((other) => {
    const size = listSizeOf(other.field, other.coordinate);
    const isPage = size?.slicingArguments?.includes('first') && size.sizedFields?.includes(field.name);
    return isPage ? (size?.maximum ?? pages.maximum) : Number.POSITIVE_INFINITY;
  });
}

function areFinite(sizes: readonly number[]): boolean {
  return sizes.length > 0 && sizes.every(Number.isFinite);
}
