import { encodeNodeId } from '../../src/index.ts';

/** An operation of the kind that frontends send, with the calls that its plan needs at least. */
export interface SampleOperation {
  readonly name: string;
  readonly query: string;
  /** Page sizes and ids; `size` stands for every page of the operation. */
  readonly variables: (size: number) => Record<string, unknown>;
  /** One for each root call, and one for each loader and level: whatever the sizes. */
  readonly calls: readonly string[];
}

const productId = encodeNodeId('Product', 'product-1');
const userId = encodeNodeId('User', 'user-1');
const orderId = encodeNodeId('Order', 'order-1');
const roomId = encodeNodeId('Room', 'room-1');
const paymentId = encodeNodeId('Payment', 'payment-1');

/** Ten operations that between them use every read of the graph. */
export const sampleOperations: readonly SampleOperation[] = [
  {
    name: 'one product, asked for in three ways',
    query: `query ($id: ID!) {
      a: product(id: $id) { title } b: product(id: $id) { price { amount } } node(id: $id) { id ... on Product { sku } }
    }`,
    variables: () => ({ id: productId }),
    calls: ['CatalogService/BatchGetProducts'],
  },
  {
    name: 'a page of orders with lines, products and customers',
    query: `query ($size: Int) {
      orders(first: $size) { edges { cursor node {
        id state total { amount currencyCode } createdAt
        customer { id displayName }
        lines { number quantity unitPrice { amount } product { id title price { amount } } }
      } } pageInfo { hasNextPage endCursor } }
    }`,
    variables: (size) => ({ size }),
    calls: ['OrderService/ListOrders', 'CatalogService/BatchGetProducts', 'UserService/BatchGetUsers'],
  },
  {
    name: 'a page of products with their reviews and who wrote them',
    query: `query ($size: Int) {
      products(first: $size, order: BESTSELLING) { edges { node {
        title unitsSold ratingAverage
        reviews(first: 5) { totalCount edges { node { rating body author { displayName avatar } } } }
      } } }
    }`,
    variables: (size) => ({ size }),
    calls: ['CatalogService/ListProducts', 'CatalogService/BatchListReviews', 'UserService/BatchGetUsers'],
  },
  {
    name: 'friends of friends of friends',
    query: `query ($id: ID!, $size: Int) {
      user(id: $id) { displayName friends(first: $size) { totalCount edges { node { displayName
        friends(first: $size) { edges { node { displayName
          friends(first: $size) { edges { node { displayName } } } } } } } } } }
    }`,
    variables: (size) => ({ id: userId, size }),
    calls: Array.from({ length: 4 }, () => 'UserService/BatchGetUsers'),
  },
  {
    name: 'nodes of every type',
    query: `query ($ids: [ID!]!) {
      nodes(ids: $ids) { __typename id
        ... on Product { title } ... on User { displayName } ... on Order { state } ... on Room { title }
        ... on Payment { amount { amount } method { ... on CardPayment { brand lastFour }
          ... on BankTransferPayment { bankName } ... on VoucherPayment { code } } } }
    }`,
    variables: () => ({ ids: [productId, userId, orderId, roomId, paymentId, productId] }),
    calls: [
      'CatalogService/BatchGetProducts',
      'UserService/BatchGetUsers',
      'OrderService/BatchGetOrders',
      'ChatService/BatchGetRooms',
      'PaymentService/BatchGetPayments',
    ],
  },
  {
    name: 'a room with its last messages and who wrote them',
    query: `query ($id: ID!, $size: Int) {
      room(id: $id) { title messages(last: $size) { edges { node { text sequence createdAt author { displayName } } } } }
    }`,
    variables: (size) => ({ id: roomId, size }),
    calls: ['ChatService/BatchGetRooms', 'ChatService/ListMessages', 'UserService/BatchGetUsers'],
  },
  {
    name: 'an order with its payment, and the payment itself',
    query: `query ($order: ID!, $payment: ID!) {
      order(id: $order) { note updatedAt lines { quantity } } payment(id: $payment) { state createdAt amount { amount } }
    }`,
    variables: () => ({ order: orderId, payment: paymentId }),
    calls: ['OrderService/BatchGetOrders', 'PaymentService/BatchGetPayments'],
  },
  {
    name: 'paid orders with their payments',
    query: `query ($size: Int) {
      orders(first: $size, filter: { state: DELIVERED }) { edges { node { id payment { amount { amount } method { __typename } } } } }
    }`,
    variables: (size) => ({ size }),
    calls: ['OrderService/ListOrders', 'PaymentService/BatchGetPayments'],
  },
  {
    name: 'from orders to the friends of reviewers',
    query: `query ($size: Int) {
      orders(first: $size) { edges { node { lines { product { title
        reviews(first: 2) { edges { node { rating author { displayName
          friends(first: 2) { edges { node { displayName biography } } } } } } } } } } } }
    }`,
    variables: (size) => ({ size }),
    calls: [
      'OrderService/ListOrders',
      'CatalogService/BatchGetProducts',
      'CatalogService/BatchListReviews',
      'UserService/BatchGetUsers',
      'UserService/BatchGetUsers',
    ],
  },
  {
    name: 'the last page of a filtered list, by fragments',
    query: `query ($size: Int) {
      products(last: $size, order: PRICE_ASC, filter: { category: BOOKS, inStock: true, price: { atLeast: "1.00" } }) {
        edges { node { ...card } } pageInfo { hasPreviousPage startCursor } }
    }
    fragment card on Product { title category price { ...money } images stock mediaId createdAt description }
    fragment money on Money { amount currencyCode }`,
    variables: (size) => ({ size }),
    calls: ['CatalogService/ListProducts'],
  },
];
