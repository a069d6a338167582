import {
  type UpdateUserRequest,
  type User,
  type UserServiceServer,
  UserServiceService,
} from '../upstream-protos/gen/shop/users/v1/users.ts';
import type { Caller } from './caller.ts';
import { createHandlers } from './handler.ts';
import { assertId, distinctIds } from './ids.ts';
import { type MaskColumns, selectFields } from './mask.ts';
import { assertActsFor } from './ownership.ts';
import { createParams } from './params.ts';
import type { ServiceDeps } from './service-deps.ts';
import { aborted, invalidArgument, notFound, type Violation } from './status.ts';
import type { Store } from './store.ts';

/** The columns behind each field of User. Friends cost a read of their own, so only who asks for them pays. */
const USER_COLUMNS = {
  id: ['id'],
  display_name: ['display_name'],
  email: ['email'],
  avatar_url: ['avatar_url'],
  loyalty_tier: ['loyalty_tier'],
  friend_ids: [
    `ARRAY(SELECT friend_id FROM friendships WHERE user_id = users.id
     ORDER BY friendships.create_time, friend_id) AS friend_ids`,
  ],
  biography: ['biography'],
  etag: ['revision'],
  create_time: ['create_time'],
} as const satisfies MaskColumns<string>;

interface UserRow {
  readonly id: string;
  readonly display_name?: string;
  readonly email?: string;
  readonly avatar_url?: string;
  readonly loyalty_tier?: User['loyaltyTier'];
  readonly friend_ids?: string[];
  readonly biography?: string;
  readonly revision?: bigint;
  readonly create_time?: Date;
}

/** The fields that may be changed: how to read each from a user, and what is wrong with its value, if anything. */
const WRITABLE = {
  display_name: {
    read: (user: User) => user.displayName,
    fault: (text: string) => lengthFault(text, 1, 80),
  },
  avatar_url: {
    read: (user: User) => user.avatarUrl,
    fault: (text: string) =>
      isWebAddress(text) ? undefined : 'expected an http or https URL of at most 2,048 characters',
  },
  biography: {
    read: (user: User) => user.biography,
    fault: (text: string) => lengthFault(text, 0, 500),
  },
} as const;
type WritableField = keyof typeof WRITABLE;

/** `shop.users.v1.UserService`. */
export function createUserService(deps: ServiceDeps): UserServiceServer {
  const { store } = deps;
  const { unary } = createHandlers(deps);
  return {
    batchGetUsers: unary(UserServiceService.batchGetUsers, async ({ ids, readMask }, { signal, caller }) => {
      const { columns } = selectFields(readMask, USER_COLUMNS);
      const text = `SELECT ${columns.join(', ')} FROM users WHERE id = ANY($1)`;
      const rows = await store.query<UserRow>(text, [distinctIds(ids)], signal);
      return { users: rows.map((row) => userFromRow(row, caller)) };
    }),

    updateUser: unary(UserServiceService.updateUser, async (request, { signal, caller }) => {
      const { user, fields } = readUpdate(request);
      assertActsFor(caller, user.id, 'users:write', 'user.id');
      return { user: userFromRow(await updateUser(store, user, fields, signal), caller) };
    }),
  };
}

function readUpdate({ user, updateMask }: UpdateUserRequest): { user: User; fields: WritableField[] } {
  if (!user) throw invalidArgument({ field: 'user', description: 'expected a user' });
  assertId(user.id, 'user.id');
  const paths = [...new Set(updateMask)];
  const fields = paths.filter(isWritable);
  if (fields.length === 0 || fields.length < paths.length) {
    const description = `expected some of ${Object.keys(WRITABLE).join(', ')}`;
    throw invalidArgument({ field: 'update_mask', description });
  }
  const violations = fields.flatMap((field): Violation[] => {
    const description = WRITABLE[field].fault(WRITABLE[field].read(user));
    return description ? [{ field: `user.${field}`, description }] : [];
  });
  if (violations.length > 0) throw invalidArgument(...violations);
  return { user, fields };
}

async function updateUser(
  store: Store,
  user: User,
  fields: readonly WritableField[],
  signal: AbortSignal,
): Promise<UserRow> {
  const { bind, values } = createParams();
  const { columns } = selectFields([], USER_COLUMNS);
  const changes = fields.map((field) => `${field} = ${bind(WRITABLE[field].read(user))}`);
  const condition = user.etag ? `AND revision = ${bind(revisionOf(user.etag))}` : '';
  const text = `UPDATE users SET ${changes.join(', ')}, revision = revision + 1
    WHERE id = ${bind(user.id)} ${condition} RETURNING ${columns.join(', ')}`;
  const [row] = await store.query<UserRow>(text, values, signal);
  if (row) return row;
  const known = await store.query('SELECT 1 FROM users WHERE id = $1', [user.id], signal);
  if (known.length === 0) throw notFound('shop.users.v1.User', user.id);
  throw aborted('ETAG_MISMATCH', 'The user has changed since the etag was read.');
}

/** A user as the caller may see it: the address is the user's own. */
function userFromRow(row: UserRow, caller: Caller): User {
  const isPrivy = row.id === caller.subject || caller.may('users:read');
  return {
    id: row.id,
    displayName: row.display_name ?? '',
    email: (isPrivy && row.email) || '',
    avatarUrl: row.avatar_url ?? '',
    loyaltyTier: row.loyalty_tier ?? 0,
    friendIds: row.friend_ids ?? [],
    biography: row.biography ?? '',
    etag: row.revision === undefined ? '' : `"${row.revision}"`,
    createTime: row.create_time,
  };
}

/** The revision that an etag names; 0, which no user has, when it is none of ours. */
function revisionOf(etag: string): bigint {
  return /^"[1-9]\d{0,17}"$/.test(etag) ? BigInt(etag.slice(1, -1)) : 0n;
}

function isWritable(path: string): path is WritableField {
  return Object.hasOwn(WRITABLE, path);
}

function lengthFault(text: string, min: number, max: number): string | undefined {
  const length = [...text].length;
  if (text.includes('\0')) return 'expected text without the zero character';
  return length < min || length > max ? `expected ${min} to ${max} characters, got ${length}` : undefined;
}

function isWebAddress(text: string): boolean {
  return text.length <= 2_048 && /^https?:$/.test(URL.parse(text)?.protocol ?? '') && !text.includes('\0');
}
