import { updateUser, userCalls } from '../loaders/users.ts';
import type { User as UserMessage } from '../upstream-protos/gen/shop/users/v1/users.ts';
import { builder } from './builder.ts';
import { invalidInput, optionalText } from './invalid-input.ts';
import { assertSubject } from './subject.ts';
import { User } from './user.ts';

const UpdateProfileInput = builder.inputType('UpdateProfileInput', {
  description: 'What to change of the account of the user who asks; what is left out stays.',
  fields: (t) => ({
    displayName: t.string({ description: 'The name shown to others, 1 to 80 characters.' }),
    avatar: t.field({ type: 'URL', description: 'Address of a picture.' }),
    biography: t.string({ description: 'A few lines about the person, at most 500 characters.' }),
    etag: t.string({ description: 'Change it only if this is still its `etag`; `CONFLICT` if not.' }),
  }),
});

const UpdateProfilePayload = builder
  .objectRef<{ readonly user: UserMessage }>('UpdateProfilePayload')
  .implement({
    description: 'An account that was changed.',
    fields: (t) => ({
      user: t.field({ type: User, description: 'The account.', resolve: ({ user }) => user }),
    }),
  });

builder.mutationFields((t) => ({
  updateProfile: t.field({
    type: UpdateProfilePayload,
    nullable: true,
    authScopes: { user: true },
    calls: [userCalls.updateUser],
    description: 'Changes the account of the user who asks.',
    args: { input: t.arg({ type: UpdateProfileInput, required: true, description: 'The changes.' }) },
    resolve: async (_root, { input }, context) => {
      const { displayName, avatar, biography, etag } = input;
      const updateMask = pathsOf({ display_name: displayName, avatar_url: avatar, biography });
      const user = {
        ...emptyUser,
        id: assertSubject(context),
        displayName: displayName ?? '',
        avatarUrl: avatar ?? '',
        biography: biography ?? '',
        etag: optionalText(etag, ['input', 'etag']),
      };
      return { user: await updateUser(context, { user, updateMask }) };
    },
  }),
}));

/** The members that the mask leaves out; the service does not look at them. */
const emptyUser = {
  email: '',
  loyaltyTier: 0,
  friendIds: [],
  createTime: undefined,
} as const satisfies Partial<UserMessage>;

function pathsOf(changes: Readonly<Record<string, string | null | undefined>>): string[] {
  const paths = Object.keys(changes).filter((path) => changes[path] !== undefined && changes[path] !== null);
  if (paths.length > 0) return paths;
  throw invalidInput(['input'], 'expected at least one of displayName, avatar and biography, got none.');
}
