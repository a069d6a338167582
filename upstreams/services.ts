import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { CatalogServiceService } from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { ChatServiceService } from '../upstream-protos/gen/shop/chat/v1/chat.ts';
import { OrderServiceService } from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { PaymentServiceService } from '../upstream-protos/gen/shop/payments/v1/payments.ts';
import { UserServiceService } from '../upstream-protos/gen/shop/users/v1/users.ts';
import { createCatalogService } from './catalog.ts';
import { createChatService } from './chat.ts';
import { createOrderService } from './orders.ts';
import { createPaymentService } from './payments.ts';
import type { ServiceDeps } from './service-deps.ts';
import { createUserService } from './users.ts';

/** One service and what answers it. */
export interface UpstreamService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** The five services of the shop. */
export function createServices(deps: ServiceDeps): readonly UpstreamService[] {
  return [
    { definition: CatalogServiceService, implementation: createCatalogService(deps) },
    { definition: ChatServiceService, implementation: createChatService(deps) },
    { definition: OrderServiceService, implementation: createOrderService(deps) },
    { definition: PaymentServiceService, implementation: createPaymentService(deps) },
    { definition: UserServiceService, implementation: createUserService(deps) },
  ];
}
