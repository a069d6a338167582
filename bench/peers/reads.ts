import { Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Product } from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { PageDirection, type PageInfo } from '../../upstream-protos/gen/shop/common/v1/page.ts';
import type { ListOrdersResponse, Order } from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import type { User } from '../../upstream-protos/gen/shop/users/v1/users.ts';
import type { Clients } from './clients.ts';

/** What the page of orders needs of each message: written by hand, for the one query that there is. */
const orderMask = ['create_time', 'customer_id', 'lines', 'state', 'total'];
const productMask = ['price', 'title'];
const userMask = ['display_name', 'loyalty_tier'];

/** Whom the services take the caller for: verifying a token is Weir's work alone here. */
const caller = { 'x-weir-subject': 'user-1', 'x-weir-scopes': 'orders:read' };

/** As long as Weir's operations may take by default. */
const timeoutMs = 10_000;

/** One page of orders after a row token ('' from the start). */
export function readOrders(
  { orders }: Clients,
  size: number,
  afterToken: string,
): Promise<{ rows: Order[]; page: PageInfo }> {
  const page = {
    pageSize: size,
    afterToken,
    beforeToken: '',
    direction: PageDirection.PAGE_DIRECTION_FORWARD,
    skip: 0,
  };
  const filter = { customerId: '', state: 0 } as const;
  const stream = orders.listOrders({ page, filter, readMask: orderMask }, callerMetadata(), deadline());
  return new Promise((resolve, reject) => {
    const rows: Order[] = [];
    let info: PageInfo | undefined;
    stream.on('data', ({ item }: ListOrdersResponse) => {
      if (item?.$case === 'order') rows.push(item.value);
      if (item?.$case === 'page') info = item.value;
    });
    stream.on('error', reject);
    stream.on('end', () => (info ? resolve({ rows, page: info }) : reject(new Error('no page info'))));
  });
}

/** Products by distinct ids, in any order. */
export function readProducts({ catalog }: Clients, ids: readonly string[]): Promise<Product[]> {
  const request = { ids: [...ids], readMask: productMask };
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, response: { products: Product[] }) =>
      error ? reject(error) : resolve(response.products);
    catalog.batchGetProducts(request, callerMetadata(), deadline(), done);
  });
}

/** Users by distinct ids, in any order. */
export function readUsers({ users }: Clients, ids: readonly string[]): Promise<User[]> {
  const request = { ids: [...ids], readMask: userMask };
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, response: { users: User[] }) =>
      error ? reject(error) : resolve(response.users);
    users.batchGetUsers(request, callerMetadata(), deadline(), done);
  });
}

function callerMetadata(): Metadata {
  return Metadata.fromHttp2Headers(caller);
}

function deadline(): { readonly deadline: number } {
  return { deadline: Date.now() + timeoutMs };
}
