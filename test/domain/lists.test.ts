import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatServiceService as chat } from '../../upstream-protos/gen/shop/chat/v1/chat.ts';
import {
  PageDirection,
  type PageInfo,
  type PageRequest,
} from '../../upstream-protos/gen/shop/common/v1/page.ts';
import { PaymentServiceService as payments } from '../../upstream-protos/gen/shop/payments/v1/payments.ts';
import { ask, openServices, type Services, type Statement } from './services.ts';
import { type Identity, OPERATOR, refusal } from './upstream-fixture.ts';

const { PAGE_DIRECTION_FORWARD, PAGE_DIRECTION_BACKWARD } = PageDirection;
const OWNER = 'user-1';
const OTHER = 'user-2';

/** The lists of one user, newest first. */
const LISTS = {
  listPayments: {
    ask: async (caller: Identity, customerId: string, page: PageRequest) => {
      const answer = await ask(services.as(caller), payments.listPayments, { customerId, page });
      return { rows: answer.payments, info: answer.page };
    },
    field: 'customer_id',
    scope: 'payments:read',
    all: `SELECT payments.id FROM payments JOIN orders ON orders.id = order_id WHERE orders.customer_id = $1
          ORDER BY payments.create_time DESC, payments.id DESC`,
    index: 'payments_customer_newest',
    // One statement, and one probe where the page has a bound.
    readsOfFirst: 21,
    readsOfDeep: 22,
  },
  listRooms: {
    ask: async (caller: Identity, memberId: string, page: PageRequest) => {
      const answer = await ask(services.as(caller), chat.listRooms, { memberId, page });
      return { rows: answer.rooms, info: answer.page };
    },
    field: 'member_id',
    scope: 'chat:read',
    all: `SELECT id FROM rooms JOIN room_members ON room_id = id WHERE user_id = $1
          ORDER BY create_time DESC, id DESC`,
    index: 'room_members_user_newest',
    // Each row of the page from three scans: the membership, its room, and the room's one member.
    readsOfFirst: 21 * 3,
    readsOfDeep: 21 * 3 + 1,
  },
} as const;
type ListName = keyof typeof LISTS;
const NAMES: readonly ListName[] = ['listPayments', 'listRooms'];
const BOTH_WAYS = NAMES.flatMap((name) =>
  [PAGE_DIRECTION_FORWARD, PAGE_DIRECTION_BACKWARD].map((direction) => [name, direction] as const),
);

let services: Services;
beforeAll(async () => {
  services = await openServices();
  const { store } = services;
  // Many rows of one moment, and as many rooms as somebody has who works in the shop.
  await store.query(`UPDATE payments SET create_time = date_trunc('month', create_time)`);
  await store.query('DELETE FROM room_members WHERE user_id = ANY($1)', [[OWNER, OTHER]]);
  for (const [userId, rooms] of [
    [OWNER, 2_000],
    [OTHER, 3],
  ] as const) {
    await store.query(
      `INSERT INTO rooms SELECT 'desk-' || $1::text || '-' || n, 'Desk',
         '2026-01-01T00:00:00.000001Z'::timestamptz + (n / 7) * interval '1 microsecond'
       FROM generate_series(1, $2::int) n`,
      [userId, rooms],
    );
    await store.query(
      `INSERT INTO room_members SELECT id, $1 FROM rooms WHERE id LIKE 'desk-' || $1::text || '-%'`,
      [userId],
    );
  }
  await store.query('VACUUM ANALYZE');
});
afterAll(async () => {
  expect(services.logs).toEqual([]);
  await services.close();
});

function list(name: ListName, page: Partial<PageRequest> = {}, userId = OWNER, caller = OPERATOR) {
  const whole = { pageSize: 0, afterToken: '', beforeToken: '', skip: 0, direction: 1, ...page } as const;
  return LISTS[name].ask(caller, userId, whole);
}

async function allIds(name: ListName, userId = OWNER): Promise<string[]> {
  return (await services.store.query<{ id: string }>(LISTS[name].all, [userId])).map(({ id }) => id);
}

const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);
const boundOf = (direction: PageDirection, token: string) =>
  direction === PAGE_DIRECTION_FORWARD ? { afterToken: token } : { beforeToken: token };

describe('the lists of one user', () => {
  it.each(BOTH_WAYS)(
    '%s() walks every row once, newest first in each page (direction %i)',
    async (name, direction) => {
      const expected = await allIds(name);
      const pages: string[][] = [];
      let token = '';
      do {
        const { rows, info } = await list(name, { pageSize: 97, direction, ...boundOf(direction, token) });
        pages.push(idsOf(rows));
        token = info?.nextPageToken ?? '';
      } while (token !== '');
      expect((direction === PAGE_DIRECTION_FORWARD ? pages : pages.toReversed()).flat()).toEqual(expected);
      expect(expected.length).toBeGreaterThan(400);
    },
  );

  it.each(NAMES)('%s() says what lies around a page', async (name) => {
    const ends = ({ info }: { info: PageInfo | undefined }) => [info?.hasBefore, info?.hasAfter];
    const first = await list(name, { pageSize: 2 });
    expect(ends(first)).toEqual([false, true]);
    const afterToken = first.info?.rowTokens[0] ?? '';
    const second = await list(name, { pageSize: 1, afterToken });
    expect(idsOf(second.rows)).toEqual(idsOf(first.rows).slice(1));
    expect(ends(second)).toEqual([true, true]);
    expect(ends(await list(name, { pageSize: 2, direction: PAGE_DIRECTION_BACKWARD }))).toEqual([
      true,
      false,
    ]);
  });

  it.each(NAMES)('%s() gives users their own, and nobody that of another', async (name) => {
    const { scope } = LISTS[name];
    const expected = await allIds(name, OTHER);
    expect(expected.length).toBeGreaterThan(0);
    const asked = async (caller: Identity, userId: string) =>
      idsOf((await list(name, { pageSize: 500 }, userId, caller)).rows);
    expect(await asked({ 'x-weir-subject': OTHER }, OTHER)).toEqual(expected);
    expect(await asked({ 'x-weir-subject': 'clerk', 'x-weir-scopes': scope }, OTHER)).toEqual(expected);
    expect(await asked({ 'x-weir-subject': OTHER }, OWNER)).toEqual([]);
    expect(await asked({}, OTHER)).toEqual([]);
    // Not even that there is one.
    const { info } = await list(name, {}, OWNER, { 'x-weir-subject': OTHER });
    expect(info).toEqual({ rowTokens: [], hasBefore: false, hasAfter: false, nextPageToken: '' });
  });

  it.each(NAMES)('%s() answers an empty page for a user that is not there', async (name) => {
    expect((await list(name, {}, 'user-0')).rows).toEqual([]);
  });

  it.each(NAMES)(
    '%s() refuses a token of another user, also from who may not see their list',
    async (name) => {
      const { info } = await list(name, { pageSize: 1 });
      const afterToken = info?.rowTokens[0] ?? '';
      const fields = ['page.after_token'];
      for (const [userId, caller] of [
        [OTHER, OPERATOR],
        [OWNER, { 'x-weir-subject': OTHER }],
      ] as const) {
        const refused = await refusal(list(name, { afterToken }, userId, caller));
        expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', fields });
      }
    },
  );

  it.each(NAMES.flatMap((name) => ['', 'x'.repeat(129)].map((userId) => [name, userId] as const)))(
    '%s() refuses the user id "%s"',
    async (name, userId) => {
      const refused = await refusal(list(name, {}, userId));
      expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', fields: [LISTS[name].field] });
    },
  );

  it.each(BOTH_WAYS)(
    '%s() reads as many rows for a deep page as for the first (direction %i)',
    async (name, direction) => {
      const ids = await allIds(name);
      const middle = Math.floor(ids.length * 0.9);
      const token = await tokenOf(name, direction, middle);
      const first = await costOf(() => list(name, { pageSize: 20, direction }));
      const deep = await costOf(() => list(name, { pageSize: 20, direction, ...boundOf(direction, token) }));
      for (const { sorts, indexes } of [first, deep]) {
        expect(sorts).toBe(0);
        expect(indexes).toContain(LISTS[name].index);
      }
      expect(first.reads).toBe(LISTS[name].readsOfFirst);
      expect(deep.reads).toBe(LISTS[name].readsOfDeep);
      // The measure can fail: skipping reads what it skips.
      const skipped = await costOf(() => list(name, { pageSize: 20, direction, skip: 300 }));
      expect(skipped.reads).toBeGreaterThan(300);
    },
  );
});

/** The token of the row at that distance from the end that a walk begins at. */
async function tokenOf(name: ListName, direction: PageDirection, distance: number): Promise<string> {
  let [token, left] = ['', distance];
  while (left > 0) {
    const pageSize = Math.min(left, 500);
    const { info } = await list(name, { pageSize, direction, ...boundOf(direction, token) });
    token = info?.nextPageToken ?? '';
    left -= pageSize;
  }
  return token;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** What Postgres does for a call, by its own count: rows that its scans look at, sorts, indexes. */
async function costOf(call: () => Promise<unknown>) {
  services.statements.length = 0;
  await call();
  const nodes = (await Promise.all(services.statements.splice(0).map(planOf))).flatMap(nodesOf);
  const scans = nodes.filter((node) => node['Relation Name'] !== undefined);
  return {
    reads: scans.reduce((sum, node) => sum + rowsOf(node), 0),
    sorts: nodes.filter((node) => node['Node Type'].includes('Sort')).length,
    indexes: scans.map((node) => node['Index Name']),
  };
}

async function planOf({ text, values }: Statement): Promise<PlanNode> {
  const [row] = await services.store.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
    values,
  );
  if (!row) throw new Error('Postgres gave no plan.');
  return row['QUERY PLAN'][0].Plan;
}

function rowsOf(node: PlanNode): number {
  return (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
