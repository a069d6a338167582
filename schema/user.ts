import type { ShopContext } from '../loaders/context.ts';
import { pageOfKeys } from '../loaders/page.ts';
import { required } from '../loaders/required.ts';
import { LoyaltyTier, userById } from '../loaders/users.ts';
import { assertNodeId, resolveConnection, type UpstreamPage } from '../src/index.ts';
import type { User as UserMessage } from '../upstream-protos/gen/shop/users/v1/users.ts';
import { builder } from './builder.ts';
import { found } from './found.ts';
import { NodeInterface } from './node-interface.ts';
import { enumValues, knownValue } from './proto-enum.ts';

const loyaltyTiers = enumValues(LoyaltyTier, 'LOYALTY_TIER_', {
  BASIC: 'Everybody starts here.',
  SILVER: 'Buys now and then.',
  GOLD: 'Buys often.',
});

const LoyaltyTierEnum = builder.enumType('LoyaltyTier', {
  description: 'How much a customer means to the shop.',
  values: loyaltyTiers,
});

/** What a person shows to everybody; nothing else of them is kept in caches. */
const shownToAll = { maxAgeSeconds: 300, scope: 'public' } as const;

/** A person who has an account. */
export const User = builder.objectRef<UserMessage>('User');

User.implement({
  description: 'A person who has an account.',
  interfaces: [NodeInterface],
  masked: true,
  fields: (t) => ({
    displayName: t.exposeString('displayName', {
      cache: shownToAll,
      description: 'The name shown to others.',
    }),
    avatar: t.field({
      type: 'URL',
      cache: shownToAll,
      needs: ['avatar_url'],
      description: 'Address of a picture.',
      resolve: ({ avatarUrl }) => avatarUrl,
    }),
    email: t.field({
      type: 'String',
      nullable: true,
      needs: ['email'],
      description: 'Where the shop writes to; null unless it is your own or you have the scope `users:read`.',
      resolve: ({ email }) => email || null,
    }),
    etag: t.exposeString('etag', { description: 'Changes with every change of the account; opaque.' }),
    biography: t.exposeString('biography', { description: 'A few lines about the person.' }),
    loyaltyTier: t.field({
      type: LoyaltyTierEnum,
      nullable: true,
      needs: ['loyalty_tier'],
      description: 'How much the customer means to the shop; null when it is not known.',
      resolve: ({ loyaltyTier }) => knownValue(loyaltyTiers, loyaltyTier),
    }),
    createdAt: t.field({
      type: 'DateTime',
      needs: ['create_time'],
      description: 'When the account was made.',
      resolve: ({ createTime }) => required(createTime, 'create_time'),
    }),
    friends: t.connection(
      {
        type: User,
        nullable: true,
        needs: ['friend_ids'],
        calls: [{ ...userById, keys: 'items' }],
        description: 'Whom the user knows, oldest friendship first.',
        resolve: ({ id, friendIds }, args, context, info) =>
          resolveConnection(context, info, args, {
            filter: { user: id },
            order: 'oldest',
            load: (page) => listFriends(context, friendIds, context.readMask(info, 'User'), page),
          }),
      },
      {
        name: 'FriendConnection',
        description: 'A page of friends.',
        fields: (connection) => ({
          totalCount: connection.int({
            description: 'How many friends there are in all.',
            resolve: ({ totalCount }) => totalCount,
          }),
        }),
      },
      { name: 'FriendEdge', description: 'A friend in a page.' },
    ),
  }),
});

builder.queryFields((t) => ({
  user: t.field({
    type: User,
    nullable: true,
    calls: [userById],
    description: 'A user by its id; null with an error when there is none.',
    args: { id: t.arg.id({ required: true, description: 'The global id of a user.' }) },
    resolve: (_root, { id }, context, info) =>
      context.load(userById, assertNodeId(id, 'User'), context.readMask(info, 'User')).then(found),
  }),
}));

/** A page of friends from the ids that came with the user; friends whose account is gone are left out. */
async function listFriends(
  context: ShopContext,
  friendIds: readonly string[],
  readMask: readonly string[],
  page: UpstreamPage,
) {
  const { rows: ids, hasBefore, hasAfter } = pageOfKeys(friendIds, page);
  const loaded = await Promise.all(ids.map((id) => context.load(userById, id, readMask)));
  const rows = loaded.filter((friend) => friend !== null);
  return { rows, positions: rows.map(({ id }) => id), hasBefore, hasAfter, totalCount: friendIds.length };
}
