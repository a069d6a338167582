// What a team writes first: Yoga as it comes, the same graph, a DataLoader per request on the gRPC clients.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import DataLoader from 'dataloader';
import { createSchema, createYoga } from 'graphql-yoga';
import { decimalText } from '../../schema/decimal.ts';
import type { Product } from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import type { Money } from '../../upstream-protos/gen/shop/common/v1/money.ts';
import { type Order, type OrderLine, OrderState } from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import { LoyaltyTier, type User } from '../../upstream-protos/gen/shop/users/v1/users.ts';
import { createClients } from './clients.ts';
import { readOrders, readProducts, readUsers } from './reads.ts';

interface Context {
  readonly products: DataLoader<string, Product | null>;
  readonly users: DataLoader<string, User | null>;
}

const clients = createClients(process.argv[2] ?? '');

const schema = createSchema<Context>({
  typeDefs: readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'),
  resolverValidationOptions: { requireResolversForResolveType: 'ignore' },
  resolvers: {
    Query: {
      orders: async (_root, { first, after }: { first: number; after?: string }) => {
        const { rows, page } = await readOrders(clients, first, after ?? '');
        return {
          edges: rows.map((node, index) => ({ node, cursor: page.rowTokens[index] })),
          pageInfo: {
            hasNextPage: page.hasAfter,
            hasPreviousPage: page.hasBefore,
            startCursor: page.rowTokens[0],
            endCursor: page.rowTokens.at(-1),
          },
        };
      },
    },
    Order: {
      id: ({ id }: Order) => globalId('Order', id),
      createdAt: ({ createTime }: Order) => createTime?.toISOString(),
      customer: ({ customerId }: Order, _args, { users }) => users.load(customerId),
    },
    OrderLine: {
      product: ({ productId }: OrderLine, _args, { products }) => products.load(productId),
    },
    Product: { id: ({ id }: Product) => globalId('Product', id) },
    User: { id: ({ id }: User) => globalId('User', id) },
    Money: { amount: (money: Money) => decimalText(money) },
    OrderState: valuesOf(OrderState, 'ORDER_STATE_'),
    LoyaltyTier: valuesOf(LoyaltyTier, 'LOYALTY_TIER_'),
  },
});

const yoga = createYoga({
  schema,
  context: (): Context => ({
    products: new DataLoader(async (ids) => aligned(ids, await readProducts(clients, ids))),
    users: new DataLoader(async (ids) => aligned(ids, await readUsers(clients, ids))),
  }),
});

const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
  console.log(`ready on http://127.0.0.1:${port}/graphql`);
});

function aligned<Row extends { readonly id: string }>(ids: readonly string[], rows: readonly Row[]) {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}

function globalId(typename: string, id: string): string {
  return Buffer.from(`${typename}:${id}`).toString('base64url');
}

function valuesOf(values: Readonly<Record<string, number>>, prefix: string): Record<string, number> {
  const known = Object.entries(values).filter(([, value]) => value > 0);
  return Object.fromEntries(known.map(([name, value]) => [name.slice(prefix.length), value]));
}
