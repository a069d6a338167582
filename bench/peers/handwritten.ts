// The least that answers a page of orders: one Node handler on the gRPC clients, no GraphQL.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decimalText } from '../../schema/decimal.ts';
import type { Product } from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import type { Money } from '../../upstream-protos/gen/shop/common/v1/money.ts';
import { type Order, OrderState } from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import { LoyaltyTier, type User } from '../../upstream-protos/gen/shop/users/v1/users.ts';
import { createClients } from './clients.ts';
import { readOrders, readProducts, readUsers } from './reads.ts';

const clients = createClients(process.argv[2] ?? '');
const stateNames = namesOf(OrderState, 'ORDER_STATE_');
const tierNames = namesOf(LoyaltyTier, 'LOYALTY_TIER_');

const server = createServer(async (request, response) => {
  const { first, after } = JSON.parse(await bodyOf(request)).variables;
  const body = JSON.stringify({ data: { orders: await ordersPage(first, after ?? '') } });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
  console.log(`ready on http://127.0.0.1:${port}/orders`);
});

async function ordersPage(first: number, after: string) {
  const { rows, page } = await readOrders(clients, first, after);
  const productIds = new Set(rows.flatMap(({ lines }) => lines.map(({ productId }) => productId)));
  const customerIds = new Set(rows.map(({ customerId }) => customerId));
  const [products, users] = await Promise.all([
    readProducts(clients, [...productIds]),
    readUsers(clients, [...customerIds]),
  ]);
  const productById = new Map(products.map((product) => [product.id, product]));
  const userById = new Map(users.map((user) => [user.id, user]));
  return {
    edges: rows.map((order, index) => ({
      cursor: page.rowTokens[index],
      node: orderJson(order, productById, userById),
    })),
    pageInfo: { hasNextPage: page.hasAfter, endCursor: page.rowTokens.at(-1) ?? null },
  };
}

function orderJson(order: Order, products: Map<string, Product>, users: Map<string, User>) {
  const customer = users.get(order.customerId);
  return {
    id: globalId('Order', order.id),
    state: stateNames[order.state] ?? null,
    createdAt: order.createTime?.toISOString(),
    total: moneyJson(order.total),
    customer: customer
      ? {
          id: globalId('User', customer.id),
          displayName: customer.displayName,
          loyaltyTier: tierNames[customer.loyaltyTier] ?? null,
        }
      : null,
    lines: order.lines.map(({ number, quantity, unitPrice, productId }) => {
      const product = products.get(productId);
      return {
        number,
        quantity,
        unitPrice: moneyJson(unitPrice),
        product: product
          ? { id: globalId('Product', product.id), title: product.title, price: moneyJson(product.price) }
          : null,
      };
    }),
  };
}

function moneyJson(money: Money | undefined) {
  return money ? { amount: decimalText(money), currencyCode: money.currencyCode } : null;
}

function globalId(typename: string, id: string): string {
  return Buffer.from(`${typename}:${id}`).toString('base64url');
}

function namesOf(values: Readonly<Record<string, number>>, prefix: string): Readonly<Record<number, string>> {
  const known = Object.entries(values).filter(([, value]) => value > 0);
  return Object.fromEntries(known.map(([name, value]) => [value, name.slice(prefix.length)]));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
