import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { CatalogServiceService } from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { UserServiceService } from '../upstream-protos/gen/shop/users/v1/users.ts';
import { createCatalogService } from './catalog.ts';
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
    { definition: UserServiceService, implementation: createUserService(deps) },
  ];
}
