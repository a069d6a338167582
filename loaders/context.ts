import type { OperationContext } from '../src/index.ts';

/** The context of the shop's resolvers and loaders: an operation with the shop's five upstreams. */
export type ShopContext = OperationContext<'catalog' | 'users' | 'orders' | 'payments' | 'chat'>;
