import type { FriendshipRow, OrderRow, ProductRow, Tables } from './tables.ts';

/** The tables with what the graph asks of them: rows by id, rows by what they belong to, lists in their order. */
export type Rows = ReturnType<typeof arrange>;

/** Ids and moments are compared as the documents say: by bytes and by time; the id decides between equals. */
export function arrange(tables: Tables) {
  const { products, orders, friendships, order_lines, reviews, messages, room_members } = tables;
  return {
    products: byId(products),
    users: byId(tables.users),
    orders: byId(orders),
    payments: byId(tables.payments),
    rooms: byId(tables.rooms),
    newestPayments: tables.payments.toSorted(newestFirst),
    newestRooms: tables.rooms.toSorted(newestFirst),
    productLists: {
      NEWEST: products.toSorted(newestFirst),
      PRICE_ASC: products.toSorted(cheapestFirst),
      PRICE_DESC: products.toSorted(cheapestFirst).reverse(),
      BESTSELLING: products.toSorted(bestSellingFirst),
    } satisfies Record<string, ProductRow[]>,
    newestOrders: orders.toSorted(newestFirst),
    linesOfOrder: Map.groupBy(
      order_lines.toSorted((a, b) => a.number - b.number),
      (line) => line.order_id,
    ),
    reviewsOfProduct: Map.groupBy(reviews.toSorted(newestFirst), (review) => review.product_id),
    friendsOfUser: Map.groupBy(friendships.toSorted(oldestFriendFirst), ({ user_id }) => user_id),
    membersOfRoom: Map.groupBy(
      room_members.toSorted((a, b) => compare(a.user_id, b.user_id)),
      ({ room_id }) => room_id,
    ),
    messagesOfRoom: Map.groupBy(
      messages.toSorted((a, b) => compare(BigInt(a.sequence), BigInt(b.sequence))),
      ({ room_id }) => room_id,
    ),
  };
}

function byId<Row extends { readonly id: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}

function compare<Value extends string | number | bigint>(a: Value, b: Value): number {
  return a < b ? -1 : Number(a > b);
}

type Dated = Pick<OrderRow, 'id' | 'create_time'>;

function newestFirst(a: Dated, b: Dated): number {
  return b.create_time.getTime() - a.create_time.getTime() || compare(b.id, a.id);
}

function oldestFriendFirst(a: FriendshipRow, b: FriendshipRow): number {
  return a.create_time.getTime() - b.create_time.getTime() || compare(a.friend_id, b.friend_id);
}

function cheapestFirst(a: ProductRow, b: ProductRow): number {
  return compare(BigInt(a.price_nanos), BigInt(b.price_nanos)) || compare(a.id, b.id);
}

function bestSellingFirst(a: ProductRow, b: ProductRow): number {
  return compare(BigInt(b.units_sold), BigInt(a.units_sold)) || compare(b.id, a.id);
}
