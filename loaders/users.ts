import { defineLoader, withInputPaths } from '../src/index.ts';
import {
  type UpdateUserRequest,
  type User,
  UserServiceService as users,
} from '../upstream-protos/gen/shop/users/v1/users.ts';
import type { ShopContext } from './context.ts';
import { required } from './required.ts';

export { LoyaltyTier } from '../upstream-protos/gen/shop/users/v1/users.ts';

/** Methods that change nothing, so that a failed call may be tried again. */
export const userReads = [users.batchGetUsers];

/** The call of each function here that makes one, for the price of the fields that use it. */
export const userCalls = { updateUser: { upstream: 'users', method: users.updateUser.path } } as const;

/** Users by id, with the members that a read mask names. */
export const userById = defineLoader({
  name: 'userById',
  maxBatchSize: 500,
  upstream: 'users',
  method: users.batchGetUsers.path,
  // What is shown of an account depends on who asks.
  sharing: 'viewer',
  keyOf: (user: User) => user.id,
  fetch: async (ids: readonly string[], readMask: readonly string[], context: ShopContext) => {
    const request = { ids: [...ids], readMask: [...readMask] };
    const response = await context.upstreams.users.unary(users.batchGetUsers, request);
    return response.users;
  },
});

/** Changes the members of a user that the mask names. */
export async function updateUser(context: ShopContext, request: UpdateUserRequest): Promise<User> {
  const updated = context.upstreams.users.unary(users.updateUser, request);
  const { user } = await withInputPaths(updated, {
    'user.displayName': 'input.displayName',
    'user.avatarUrl': 'input.avatar',
    'user.biography': 'input.biography',
    'user.etag': 'input.etag',
  });
  return required(user, 'user');
}
