import { credentials } from '@grpc/grpc-js';
import { CatalogServiceClient } from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { OrderServiceClient } from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import { UserServiceClient } from '../../upstream-protos/gen/shop/users/v1/users.ts';

/** The generated clients, as a team that writes its own BFF would use them. */
export interface Clients {
  readonly catalog: CatalogServiceClient;
  readonly orders: OrderServiceClient;
  readonly users: UserServiceClient;
}

/**
 * Clients of one address. Each has its own connection, as services of a real system have, which live at different
 * addresses; channelz is off because it only costs, and Weir has it off too.
 */
export function createClients(target: string): Clients {
  const options = { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_channelz': 0 };
  const plain = credentials.createInsecure();
  return {
    catalog: new CatalogServiceClient(target, plain, options),
    orders: new OrderServiceClient(target, plain, options),
    users: new UserServiceClient(target, plain, options),
  };
}
