import { defineLoader } from '../src/index.ts';
import { type User, UserServiceService as users } from '../upstream-protos/gen/shop/users/v1/users.ts';
import type { ShopContext } from './context.ts';

export { LoyaltyTier } from '../upstream-protos/gen/shop/users/v1/users.ts';

/** Methods that change nothing, so that a failed call may be tried again. */
export const userReads = [users.batchGetUsers];

/** Users by id, with the members that a read mask names. */
export const userById = defineLoader({
  name: 'userById',
  maxBatchSize: 500,
  keyOf: (user: User) => user.id,
  fetch: async (ids: readonly string[], readMask: readonly string[], context: ShopContext) => {
    const request = { ids: [...ids], readMask: [...readMask] };
    const response = await context.upstreams.users.unary(users.batchGetUsers, request);
    return response.users;
  },
});
