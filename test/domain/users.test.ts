import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type UpdateUserResponse,
  type User,
  UserServiceClient,
} from '../../upstream-protos/gen/shop/users/v1/users.ts';
import { answer, refusal, startUpstreams, type UpstreamFixture } from './upstream-fixture.ts';

let shop: UpstreamFixture;
let client: UserServiceClient;

beforeAll(async () => {
  shop = await startUpstreams();
  client = shop.client(UserServiceClient);
});
afterAll(() => shop.close());

async function getUsers(ids: string[], readMask?: string[]): Promise<User[]> {
  return (await answer<{ users: User[] }>((done) => client.batchGetUsers({ ids, readMask }, done))).users;
}

async function getUser(id: string): Promise<User> {
  const [user] = await getUsers([id]);
  if (!user) throw new Error(`There is no ${id}.`);
  return user;
}

async function update(user: User | undefined, updateMask: string[]): Promise<User | undefined> {
  return (await answer<UpdateUserResponse>((done) => client.updateUser({ user, updateMask }, done))).user;
}

describe('BatchGetUsers', () => {
  it('BatchGetUsers gives friends in the order of their friendship', async () => {
    const [row] = await shop.store.query<{ user_id: string; friends: string[] }>(
      `SELECT user_id, array_agg(friend_id ORDER BY create_time, friend_id) AS friends FROM friendships
       GROUP BY user_id ORDER BY count(*) DESC, user_id LIMIT 1`,
    );
    const [user] = await getUsers([row?.user_id ?? '', 'nobody']);
    expect(user?.friendIds.length).toBeGreaterThan(1);
    expect(user?.friendIds).toEqual(row?.friends);
  });

  it('BatchGetUsers fills nothing but its mask, and the id', async () => {
    const [user] = await getUsers(['user-1'], ['display_name']);
    expect(user?.displayName).not.toBe('');
    expect(user).toMatchObject({ id: 'user-1', email: '', friendIds: [], etag: '', createTime: undefined });
  });
});

describe('UpdateUser', () => {
  it('UpdateUser changes the fields of its mask and the etag, and nothing else', async () => {
    const before = await getUser('user-1');
    const after = await update({ ...before, displayName: 'Ada', biography: 'ignored' }, ['display_name']);
    expect(after).toEqual({ ...before, displayName: 'Ada', etag: after?.etag });
    expect(after?.etag).not.toBe(before.etag);
    expect(await getUser('user-1')).toEqual(after);
  });

  it('UpdateUser lets one of two writers with the same etag through', async () => {
    const before = await getUser('user-2');
    const results = await Promise.allSettled(
      ['One', 'Two'].map((displayName) => update({ ...before, displayName }, ['display_name'])),
    );
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await refusal(update(before, ['biography']))).toMatchObject({
      code: 'ABORTED',
      reason: 'ETAG_MISMATCH',
    });
    expect(await refusal(update({ ...before, etag: 'garbage' }, ['biography']))).toMatchObject({
      code: 'ABORTED',
    });
    expect(await update({ ...before, etag: '' }, ['display_name'])).toMatchObject({ id: 'user-2' });
  });

  it('UpdateUser refuses a user that is not there', async () => {
    const user = { ...(await getUser('user-1')), id: 'user-0' };
    const missing = { code: 'NOT_FOUND', resource: 'user-0' };
    expect(await refusal(update(user, ['biography']))).toMatchObject(missing);
    expect(await refusal(update({ ...user, etag: '' }, ['biography']))).toMatchObject(missing);
  });

  it.each([
    ['display_name', { displayName: 'x' }],
    ['display_name', { displayName: '😀'.repeat(80) }],
    ['biography', { biography: '' }],
    ['biography', { biography: 'x'.repeat(500) }],
    ['avatar_url', { avatarUrl: 'https://shop.example/a.png' }],
  ] satisfies [string, Partial<User>][])('UpdateUser takes a %s at its bound (%#)', async (field, part) => {
    expect(await update({ ...(await getUser('user-3')), ...part }, [field])).toMatchObject(part);
  });

  it.each([
    ['user.display_name', ['display_name'], { displayName: '' }],
    ['user.display_name', ['display_name'], { displayName: 'x'.repeat(81) }],
    ['user.display_name', ['display_name'], { displayName: 'a\0' }],
    ['user.biography', ['biography'], { biography: 'x'.repeat(501) }],
    ['user.avatar_url', ['avatar_url'], { avatarUrl: 'javascript:alert(1)' }],
    ['user.avatar_url', ['avatar_url'], { avatarUrl: `https://shop.example/${'x'.repeat(2_048)}` }],
    ['update_mask', [], {}],
    ['update_mask', ['display_name', 'email'], {}],
    ['user.id', ['biography'], { id: '' }],
  ] satisfies [string, string[], Partial<User>][])(
    'UpdateUser refuses a wrong %s (%#)',
    async (field, mask, part) => {
      const user = { ...(await getUser('user-3')), ...part };
      expect(await refusal(update(user, mask))).toMatchObject({ code: 'INVALID_ARGUMENT', fields: [field] });
      expect(await refusal(update(undefined, mask))).toMatchObject({ fields: ['user'] });
    },
  );
});
