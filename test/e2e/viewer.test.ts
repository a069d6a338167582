import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { signDevelopmentToken } from '../../src/identity/development-keys.ts';
import { encodeNodeId } from '../../src/index.ts';
import { type Caller, type Shop, startShop } from '../kit/shop.ts';

type Field = 'orders' | 'payments' | 'rooms';

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

/** The ids of what belongs to a user, in the order of the list, straight from SQL. */
const owned = {
  orders: ['Order', 'SELECT id FROM orders WHERE customer_id = $1 ORDER BY create_time DESC, id DESC'],
  payments: [
    'Payment',
    `SELECT payments.id FROM payments JOIN orders ON orders.id = order_id WHERE orders.customer_id = $1
     ORDER BY payments.create_time DESC, payments.id DESC`,
  ],
  rooms: [
    'Room',
    `SELECT id FROM rooms JOIN room_members ON room_id = id WHERE user_id = $1 ORDER BY create_time DESC, id DESC`,
  ],
} as const satisfies Readonly<Record<Field, readonly [string, string]>>;

const fields = Object.keys(owned) as Field[]; // exactly the table's keys

let shop: Shop;
/** Users who have several of everything. */
let users: readonly string[];

beforeAll(async () => {
  shop = await startShop();
  const rows = await shop.store.query<{ id: string }>(
    `SELECT users.id FROM users JOIN orders ON customer_id = users.id
     WHERE (SELECT count(*) FROM room_members WHERE user_id = users.id) >= 3
     AND (SELECT count(*) FROM payments JOIN orders o ON o.id = order_id WHERE o.customer_id = users.id) >= 3
     GROUP BY users.id HAVING count(*) >= 5 ORDER BY users.id LIMIT 2`,
  );
  users = rows.map(({ id }) => id);
  expect(users).toHaveLength(2);
});

afterAll(() => shop?.close());

async function idsOf(field: Field, user: string): Promise<readonly string[]> {
  const [typename, text] = owned[field];
  const rows = await shop.store.query<{ id: string }>(text, [user]);
  return rows.map(({ id }) => encodeNodeId(typename, id));
}

function documentOf(field: Field): string {
  return `query ($first: Int, $after: String, $last: Int, $before: String) { viewer {
    ${field}(first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`;
}

async function pageOf(field: Field, caller: Caller, variables: Record<string, unknown>): Promise<Page> {
  const { data, errors } = await shop.askAs<{ viewer: Readonly<Record<Field, Page>> }>(
    caller,
    documentOf(field),
    variables,
  );
  expect(errors).toBeUndefined();
  const page = data?.viewer[field];
  if (!page) throw new Error('The answer had no page.');
  return page;
}

describe('viewer', () => {
  it('is null for somebody without a token, and nothing is asked for', async () => {
    shop.calls.length = 0;
    const query =
      '{ viewer { user { id } orders { edges { node { id } } } payments { edges { node { id } } } } }';
    expect(await shop.askAs(null, query)).toEqual({ data: { viewer: null } });
    expect(shop.calls).toEqual([]);
  });

  it('is the user who asks, with the address that others do not see', async () => {
    const [user = '', other = ''] = users;
    const query = `query ($other: ID!) { viewer { user { id displayName email } } other: user(id: $other) { email } }`;
    const answer = await shop.askAs(user, query, { other: encodeNodeId('User', other) });
    expect(answer).toEqual({
      data: {
        viewer: {
          user: {
            id: encodeNodeId('User', user),
            displayName: expect.any(String),
            email: expect.stringContaining('@'),
          },
        },
        other: { email: null },
      },
    });
  });

  it('has no user, and nothing else either, when the account is gone', async () => {
    const query =
      '{ viewer { user { id } orders { edges { cursor } } payments { edges { cursor } } rooms { edges { cursor } } } }';
    const none = { edges: [] };
    expect(await shop.askAs('user-0', query)).toEqual({
      data: { viewer: { user: null, orders: none, payments: none, rooms: none } },
    });
  });

  it('is null for an application on its own behalf', async () => {
    const token = { sub: 'app', issuer: 'weir-development', audience: 'weir', claims: { client_id: 'app' } };
    const authorization = `Bearer ${await signDevelopmentToken(token, systemClock)}`;
    expect(await shop.ask('{ viewer { user { id } } }', {}, { authorization })).toEqual({
      data: { viewer: null },
    });
    const refused = await shop.ask(
      'mutation { updateProfile(input: {}) { user { id } } }',
      {},
      { authorization },
    );
    expect(refused.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });
});

describe.each(fields)('viewer.%s', (field) => {
  it.each([1, 2, 100])('pages forward by %i through exactly what is theirs', async (first) => {
    for (const user of users) {
      const ids: string[] = [];
      let after: string | null = null;
      for (let more = true; more; ) {
        const { edges, pageInfo }: Page = await pageOf(field, user, { first, after });
        ids.push(...edges.map(({ node }) => node.id));
        expect(pageInfo.hasPreviousPage).toBe(after !== null);
        expect(pageInfo.startCursor).toBe(edges[0]?.cursor);
        after = pageInfo.endCursor;
        more = pageInfo.hasNextPage;
      }
      expect(ids).toEqual(await idsOf(field, user));
    }
  });

  it('pages backward by 2 through the same', async () => {
    const [user = ''] = users;
    const ids: string[] = [];
    let before: string | null = null;
    for (let more = true; more; ) {
      const { edges, pageInfo }: Page = await pageOf(field, user, { last: 2, before });
      ids.unshift(...edges.map(({ node }) => node.id));
      expect(pageInfo.hasNextPage).toBe(before !== null);
      before = pageInfo.startCursor;
      more = pageInfo.hasPreviousPage;
    }
    expect(ids).toEqual(await idsOf(field, user));
  });

  it('shows the same to who may read everybody’s', async () => {
    const [user = ''] = users;
    const operator = { sub: user, scope: 'orders:read payments:read chat:read' };
    expect(await pageOf(field, operator, { first: 3 })).toEqual(await pageOf(field, user, { first: 3 }));
  });

  it('refuses the cursor of another viewer, of another list, and one that was changed, without a call', async () => {
    const [user = '', other = ''] = users;
    const cursorOf = async (list: Field, whose: string) =>
      (await pageOf(list, whose, { first: 1 })).pageInfo.endCursor ?? '';
    const own = await cursorOf(field, user);
    const cursors = [
      await cursorOf(field, other),
      await cursorOf(field === 'rooms' ? 'orders' : 'rooms', user),
      `${own.slice(0, -1)}${own.endsWith('A') ? 'B' : 'A'}`,
      'garbage',
    ];
    shop.calls.length = 0;
    for (const cursor of cursors) {
      for (const variables of [
        { first: 1, after: cursor },
        { last: 1, before: cursor },
      ]) {
        const answer = await shop.askAs(user, documentOf(field), variables);
        expect(answer).toMatchObject({
          data: { viewer: { [field]: null } },
          errors: [{ path: ['viewer', field], extensions: { code: 'INVALID_CURSOR' } }],
        });
      }
    }
    expect(shop.calls).toEqual([]);
    await pageOf(field, user, { first: 1, after: own });
    expect(shop.calls).toHaveLength(1);
  });

  it('fails alone', async () => {
    const [user = ''] = users;
    const method = {
      orders: 'OrderService/ListOrders',
      payments: 'PaymentService/ListPayments',
      rooms: 'ChatService/ListRooms',
    };
    shop.faults.set(method[field], { code: 'INTERNAL' });
    const answer = await shop.askAs(
      user,
      '{ viewer { user { id } orders { edges { cursor } } payments { edges { cursor } } rooms { edges { cursor } } } }',
    );
    shop.faults.clear();
    expect(answer.data).toMatchObject({ viewer: { user: {}, [field]: null } });
    expect(Object.values(Object(answer.data?.['viewer'])).filter((value) => value === null)).toHaveLength(1);
    expect(answer.errors).toMatchObject([
      { path: ['viewer', field], extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]);
  });
});

describe('viewer.orders', () => {
  it('filters by state, and its cursors are of that filter', async () => {
    const query = `query ($state: OrderState, $after: String) { viewer { orders(first: 1, state: $state, after: $after) {
      edges { cursor node { id state } } } } }`;
    const rows = await shop.store.query<{ customer_id: string; id: string }>(
      `SELECT customer_id, id FROM orders WHERE state = 5 AND customer_id =
       (SELECT customer_id FROM orders WHERE state = 5 GROUP BY customer_id HAVING count(*) >= 2 LIMIT 1)
       ORDER BY create_time DESC, id DESC`,
    );
    const [first, second] = rows;
    const caller = first?.customer_id ?? '';
    const edgesOf = async (variables: Record<string, unknown>) => {
      const { data } = await shop.askAs<{ viewer: { orders: Page | null } }>(caller, query, variables);
      return data?.viewer.orders?.edges;
    };
    const page = await edgesOf({ state: 'DELIVERED' });
    expect(page).toMatchObject([
      { node: { id: encodeNodeId('Order', first?.id ?? ''), state: 'DELIVERED' } },
    ]);
    const after = page?.[0]?.cursor;
    expect(await edgesOf({ state: 'DELIVERED', after })).toMatchObject([
      { node: { id: encodeNodeId('Order', second?.id ?? '') } },
    ]);
    expect(await edgesOf({ after })).toBeUndefined();
    expect(await edgesOf({ state: 'PENDING', after })).toBeUndefined();
  });
});

describe('the calls of a viewer’s page', () => {
  const query = `query ($size: Int) { viewer {
    user { displayName email }
    orders(first: $size) { edges { node { id state lines { quantity product { title } } customer { displayName } payment { state } } } }
    payments(first: $size) { edges { node { id amount { amount } } } }
    rooms(first: $size) { edges { node { title members { displayName } } } }
  } }`;

  it.each([1, 20, 100])('are those of its plan and no more with pages of %i', async (size) => {
    const [user = ''] = users;
    shop.calls.length = 0;
    const { data, errors } = await shop.askAs(user, query, { size });
    expect(errors).toBeUndefined();
    expect(data).toBeTruthy();
    expect(shop.calls.toSorted()).toEqual([
      'CatalogService/BatchGetProducts',
      'ChatService/ListRooms',
      'OrderService/ListOrders',
      'PaymentService/BatchGetPayments',
      'PaymentService/ListPayments',
      'UserService/BatchGetUsers',
      'UserService/BatchGetUsers',
    ]);
  });

  it('are one for each list, and one for the products of all lines', async () => {
    const [user = ''] = users;
    shop.calls.length = 0;
    await shop.askAs(
      user,
      `{ viewer { orders(first: 20) { edges { node { lines { product { title } } } } }
        payments(first: 20) { edges { node { id } } } rooms(first: 20) { edges { node { id } } } } }`,
    );
    expect(shop.calls.toSorted()).toEqual([
      'CatalogService/BatchGetProducts',
      'ChatService/ListRooms',
      'OrderService/ListOrders',
      'PaymentService/ListPayments',
    ]);
  });
});
