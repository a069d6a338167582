import type { CursorBook } from './cursor-book.ts';
import {
  enumNames,
  type OrderFilter,
  orderFiltering,
  type ProductFilter,
  productFiltering,
} from './reference-filters.ts';
import { globalId, idOf, readGlobalId } from './reference-ids.ts';
import { moneyOf } from './reference-money.ts';
import { type PageArguments, pageOf } from './reference-page.ts';
import { maySee, type Principal } from './reference-principal.ts';
import type { Rows } from './reference-rows.ts';
import { refusal } from './refusal.ts';
import type { MessageRow, OrderRow, PaymentRow, ProductRow, ReviewRow, RoomRow, UserRow } from './tables.ts';

export type ProductsArguments = PageArguments & {
  readonly filter?: ProductFilter | null;
  readonly order: keyof Rows['productLists'];
};
export type OrdersArguments = PageArguments & { readonly filter?: OrderFilter | null };
type ViewerOrdersArguments = PageArguments & { readonly state?: string | null };
type Given = { readonly id: string };

const mostIds = 100;
const mostLines = 100;
const defaultLines = 20;

const methodTypes: Readonly<Record<string, string>> = {
  card: 'CardPayment',
  bankTransfer: 'BankTransferPayment',
  voucher: 'VoucherPayment',
};

/** The shop's query root: each field is a function of its arguments, each object the plain answer to all its fields. */
export function shopResolvers(rows: Rows, book: CursorBook, principal: Principal) {
  const shown =
    <Row>(table: ReadonlyMap<string, Row>, show: (row: Row) => unknown, isVisible: (row: Row) => boolean) =>
    (id: string) => {
      const row = table.get(id);
      return row === undefined || !isVisible(row) ? null : show(row);
    };
  const everybody = () => true;
  const customerOf = (payment: PaymentRow) => rows.orders.get(payment.order_id)?.customer_id ?? '';
  const membersOf = (room: RoomRow) => (rows.membersOfRoom.get(room.id) ?? []).map(({ user_id }) => user_id);

  const showUser = (row: UserRow) => ({
    __typename: 'User',
    id: globalId('User', row.id),
    displayName: row.display_name,
    email: maySee(principal, [row.id], 'users:read') ? row.email : null,
    etag: `"${row.revision}"`,
    avatar: row.avatar_url,
    biography: row.biography,
    loyaltyTier: enumNames.loyaltyTier[row.loyalty_tier],
    createdAt: row.create_time.toISOString(),
    friends: (args: PageArguments) => {
      const friends = rows.friendsOfUser.get(row.id) ?? [];
      const keyOf = ({ friend_id }: { readonly friend_id: string }) => friend_id;
      const show = ({ friend_id }: { readonly friend_id: string }) => user(friend_id);
      return pageOf({ list: 'User.friends', scope: { id: row.id }, rows: friends, keyOf, show }, args, book);
    },
  });
  const user = shown(rows.users, showUser, everybody);

  const review = (row: ReviewRow) => ({
    id: globalId('Review', row.id),
    rating: row.rating,
    title: row.title,
    body: row.body,
    createdAt: row.create_time.toISOString(),
    author: () => user(row.author_id),
  });

  const showProduct = (row: ProductRow) => {
    const reviews = rows.reviewsOfProduct.get(row.id) ?? [];
    const ratings = reviews.reduce((sum, { rating }) => sum + rating, 0);
    return {
      __typename: 'Product',
      id: globalId('Product', row.id),
      sku: row.sku,
      title: row.title,
      description: row.description,
      category: enumNames.category[row.category],
      price: moneyOf(row.price_nanos, row.currency_code),
      stock: row.stock,
      images: row.image_urls,
      ratingAverage: reviews.length === 0 ? null : ratings / reviews.length,
      unitsSold: row.units_sold,
      mediaId: row.media_id,
      createdAt: row.create_time.toISOString(),
      reviews: (args: PageArguments) =>
        pageOf(
          { list: 'Product.reviews', scope: { id: row.id }, rows: reviews, keyOf: keyOfRow, show: review },
          args,
          book,
        ),
    };
  };
  const product = shown(rows.products, showProduct, everybody);

  const showPayment = (row: PaymentRow) => ({
    __typename: 'Payment',
    id: globalId('Payment', row.id),
    amount: moneyOf(row.amount_nanos, row.currency_code),
    state: enumNames.paymentState[row.state],
    method: Object.entries(row.method).map(([kind, texts]) => ({
      __typename: methodTypes[kind],
      ...texts,
    }))[0],
    createdAt: row.create_time.toISOString(),
  });
  const payment = shown(rows.payments, showPayment, (row) =>
    maySee(principal, [customerOf(row)], 'payments:read'),
  );

  const showOrder = (row: OrderRow) => ({
    __typename: 'Order',
    id: globalId('Order', row.id),
    state: enumNames.orderState[row.state],
    note: row.note,
    total: moneyOf(row.total_nanos, row.currency_code),
    lines: ({ first }: { readonly first?: number | null }) => {
      if (first != null && (first < 0 || first > mostLines)) throw refusal('PAGE_SIZE');
      return (rows.linesOfOrder.get(row.id) ?? []).slice(0, first ?? defaultLines).map((line) => ({
        number: line.number,
        quantity: line.quantity,
        unitPrice: moneyOf(line.unit_price_nanos, row.currency_code),
        product: () => product(line.product_id),
      }));
    },
    customer: () => user(row.customer_id),
    payment: () => payment(row.payment_id),
    createdAt: row.create_time.toISOString(),
    updatedAt: row.update_time.toISOString(),
  });
  const order = shown(rows.orders, showOrder, (row) => maySee(principal, [row.customer_id], 'orders:read'));

  const message = (row: MessageRow) => ({
    id: globalId('Message', row.id),
    text: row.text,
    sequence: row.sequence,
    createdAt: row.create_time.toISOString(),
    author: () => user(row.author_id),
  });

  const showRoom = (row: RoomRow) => ({
    __typename: 'Room',
    id: globalId('Room', row.id),
    title: row.title,
    createdAt: row.create_time.toISOString(),
    members: () => membersOf(row).map(user),
    messages: (args: PageArguments) => {
      const messages = rows.messagesOfRoom.get(row.id) ?? [];
      const scope = { id: row.id };
      return pageOf(
        { list: 'Room.messages', scope, rows: messages, keyOf: keyOfRow, show: message },
        args,
        book,
      );
    },
  });
  const room = shown(rows.rooms, showRoom, (row) => maySee(principal, membersOf(row), 'chat:read'));

  const viewer = (subject: string) => {
    const scope = { id: subject };
    return {
      user: () => user(subject),
      orders: ({ state, ...args }: ViewerOrdersArguments) => {
        const { passes } = orderFiltering({ customer: globalId('User', subject), state: state ?? null });
        const list = { list: 'Viewer.orders', scope: { ...scope, ...(state && { state }) } };
        return pageOf(
          { ...list, rows: rows.newestOrders.filter(passes), keyOf: keyOfRow, show: showOrder },
          args,
          book,
        );
      },
      payments: (args: PageArguments) => {
        const own = rows.newestPayments.filter((row) => customerOf(row) === subject);
        return pageOf(
          { list: 'Viewer.payments', scope, rows: own, keyOf: keyOfRow, show: showPayment },
          args,
          book,
        );
      },
      rooms: (args: PageArguments) => {
        const own = rows.newestRooms.filter((row) => membersOf(row).includes(subject));
        return pageOf(
          { list: 'Viewer.rooms', scope, rows: own, keyOf: keyOfRow, show: showRoom },
          args,
          book,
        );
      },
    };
  };

  const nodes: Readonly<Record<string, (id: string) => unknown>> = {
    Order: order,
    Payment: payment,
    Product: product,
    Room: room,
    User: user,
  };
  const node = ({ id: given }: Given) => {
    const { typename, id } = readGlobalId(given);
    const read = nodes[typename];
    if (!read) throw refusal('BAD_USER_INPUT');
    return found(read(id));
  };

  return {
    viewer: () => (principal.subject === null ? null : viewer(principal.subject)),
    node,
    // Each by itself: one bad id spoils no other.
    nodes: ({ ids }: { readonly ids: readonly string[] }) => {
      if (ids.length > mostIds) throw refusal('BAD_USER_INPUT');
      return ids.map(async (id) => node({ id }));
    },
    order: ({ id }: Given) => found(order(idOf('Order', id))),
    payment: ({ id }: Given) => found(payment(idOf('Payment', id))),
    product: ({ id }: Given) => found(product(idOf('Product', id))),
    room: ({ id }: Given) => found(room(idOf('Room', id))),
    user: ({ id }: Given) => found(user(idOf('User', id))),
    products: ({ filter, order: by, ...args }: ProductsArguments) => {
      const { scope, passes, check } = productFiltering(filter);
      const list = { list: 'Query.products', scope: { filter: scope, order: by } };
      const found = rows.productLists[by].filter(passes);
      const page = pageOf({ ...list, rows: found, keyOf: keyOfRow, show: showProduct }, args, book);
      check();
      return page;
    },
    orders: ({ filter, ...args }: OrdersArguments) => {
      const isKnown = principal.subject !== null;
      if (!principal.scopes.includes('orders:read')) throw refusal(isKnown ? 'FORBIDDEN' : 'UNAUTHENTICATED');
      const { scope, passes } = orderFiltering(filter);
      const list = { list: 'Query.orders', scope: { filter: scope } };
      const found = rows.newestOrders.filter(passes);
      return pageOf({ ...list, rows: found, keyOf: keyOfRow, show: showOrder }, args, book);
    },
  };
}

/** What is asked for by its id must be there. */
function found<Row>(row: Row | null): Row {
  if (row === null) throw refusal('NOT_FOUND');
  return row;
}

function keyOfRow({ id }: Given): string {
  return id;
}
