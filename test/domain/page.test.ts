import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PageRequest } from '../../upstream-protos/gen/shop/common/v1/page.ts';
import {
  type PageList,
  type PageSource,
  pageStatement,
  planPage,
  readPage,
  readToken,
  writeToken,
} from '../../upstreams/page.ts';
import { createParams } from '../../upstreams/params.ts';
import { createStore, type Store } from '../../upstreams/store.ts';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';

const byPrice: PageList = {
  name: 'things',
  scope: ['all'],
  keys: [
    { column: 'price', type: 'bigint' },
    { column: 'id', type: 'text' },
  ],
  descending: false,
};
const newest: PageList = {
  name: 'things',
  scope: ['all'],
  keys: [
    { column: 'made', type: 'timestamptz' },
    { column: 'id', type: 'text' },
  ],
  descending: true,
};

function request(part: Partial<PageRequest>): PageRequest {
  return { pageSize: 0, afterToken: '', beforeToken: '', direction: 0, skip: 0, ...part };
}

describe('page tokens', () => {
  const position = fc.tuple(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    fc.string().filter((text) => !text.includes('\0') && text.isWellFormed()),
  );

  it('readToken() gives back exactly what writeToken() was given', () => {
    fc.assert(
      fc.property(position, (values) => {
        const token = writeToken(byPrice, values);
        fc.pre(token.length <= 1_024);
        expect(readToken(byPrice, token)).toEqual(values);
      }),
    );
  });

  it('readToken() knows a token of another list', () => {
    const token = writeToken(byPrice, ['1', 'a']);
    for (const other of [
      { ...byPrice, name: 'others' },
      { ...byPrice, scope: ['some'] },
      { ...byPrice, descending: true },
      newest,
    ]) {
      expect(readToken(other, token)).toBe('foreign');
    }
  });

  it('readToken() refuses whatever is not a token, and never throws', () => {
    const real = writeToken(byPrice, ['1', 'a']);
    fc.assert(
      fc.property(fc.oneof(fc.string({ minLength: 1 }), fc.base64String({ minLength: 1 })), (text) => {
        expect(readToken(byPrice, text)).toBe('foreign');
      }),
    );
    for (let i = 1; i < real.length; i++) expect(readToken(byPrice, real.slice(0, i))).toBe('foreign');
    expect(readToken(byPrice, `${real}=`)).toBe('foreign');
    expect(readToken(byPrice, `${real}x`)).toBe('foreign');
    expect(readToken(byPrice, 'x'.repeat(1_025))).toBe('foreign');
  });

  it.each([
    ['9223372036854775808', 'a'],
    ['1.5', 'a'],
    ['', 'a'],
    ['1', 'a\0'],
  ])('readToken() refuses a value that its column cannot have (%s, %j)', (...values) => {
    expect(readToken(byPrice, writeToken(byPrice, values))).toBe('foreign');
  });

  it('readToken() refuses a time that a double would round', () => {
    expect(readToken(newest, writeToken(newest, [String(2n ** 53n - 1n), 'a']))).toHaveLength(2);
    expect(readToken(newest, writeToken(newest, [String(2n ** 53n), 'a']))).toBe('foreign');
  });
});

describe('planPage()', () => {
  it.each([
    [{ pageSize: 0 }, { size: 50 }],
    [{ pageSize: 1 }, { size: 1 }],
    [{ pageSize: 500 }, { size: 500 }],
    [{ skip: 1_000 }, { skip: 1_000 }],
    [{ direction: 2 as const }, { backward: true }],
  ])('planPage() takes %j', (part, plan) => {
    expect(planPage(byPrice, request(part))).toMatchObject(plan);
  });

  it('planPage() names every part that is wrong', () => {
    const wrong = request({ pageSize: 501, skip: -1, afterToken: 'x', beforeToken: 'y' });
    expect(() => planPage(byPrice, wrong, 'p')).toThrow(
      /p\.page_size.*p\.skip.*p\.after_token.*p\.before_token/,
    );
  });
});

describe('readPage()', () => {
  const rows = 137;
  let database: TestDatabase;
  let store: Store;

  beforeAll(async () => {
    database = await createTestDatabase('empty');
    store = createStore({ url: database.url });
    // Ten rows of each price; times a microsecond apart, in pairs, which a Date cannot tell.
    await store.query(
      `CREATE TABLE things (id text COLLATE "C" PRIMARY KEY, price bigint, made timestamptz)`,
    );
    await store.query(
      `INSERT INTO things SELECT 'thing-' || n, 9007199254740993 + n / 10,
         '2026-01-02T03:04:05.000001Z'::timestamptz + (n / 2) * interval '1 microsecond'
       FROM generate_series(1, ${rows}) n`,
    );
  });
  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  async function read(list: PageList, part: Partial<PageRequest>) {
    const source: PageSource = {
      list,
      plan: planPage(list, request(part)),
      from: 'things',
      columns: ['id'],
      where: () => [],
    };
    const { rows: found, info } = await readPage<{ id: string }>(store, source);
    return { ids: found.map(({ id }) => id), info };
  }

  async function allIds(list: PageList): Promise<string[]> {
    const direction = list.descending ? 'DESC' : 'ASC';
    const order = list.keys.map(({ column }) => `${column} ${direction}`).join(', ');
    return (await store.query<{ id: string }>(`SELECT id FROM things ORDER BY ${order}`)).map(({ id }) => id);
  }

  describe.each([
    ['ascending bigint', byPrice],
    ['descending timestamptz', newest],
  ])('%s', (_, list) => {
    it.each([1, 7, 137, 138])(
      'readPage() walks all rows in both directions in pages of %i',
      async (pageSize) => {
        const all = await allIds(list);
        for (const direction of [1, 2] as const) {
          const seen: string[] = [];
          let token = '';
          do {
            const bound = direction === 1 ? { afterToken: token } : { beforeToken: token };
            const { ids, info } = await read(list, { pageSize, direction, ...bound });
            if (direction === 1) seen.push(...ids);
            else seen.unshift(...ids);
            token = info.nextPageToken;
          } while (token !== '');
          expect(seen).toEqual(all);
        }
      },
    );

    it('readPage() reads the same range, and says the same of it, as the list does', async () => {
      const all = await allIds(list);
      const tokens = (await read(list, { pageSize: 500 })).info.rowTokens;
      const bound = fc.option(fc.nat(rows - 1), { nil: undefined });
      const shape = fc.record({
        after: bound,
        before: bound,
        skip: fc.oneof(fc.constant(0), fc.nat(150)),
        pageSize: fc.integer({ min: 1, max: 150 }),
        direction: fc.constantFrom(1, 2),
      });
      await fc.assert(
        fc.asyncProperty(shape, async ({ after, before, skip, pageSize, direction }) => {
          const range = all.slice(after === undefined ? 0 : after + 1, before);
          const from = direction === 1 ? skip : Math.max(0, range.length - skip - pageSize);
          const to = direction === 1 ? skip + pageSize : Math.max(0, range.length - skip);
          const expected = range.slice(from, to);
          const { ids, info } = await read(list, {
            afterToken: (after !== undefined && tokens[after]) || '',
            beforeToken: (before !== undefined && tokens[before]) || '',
            skip,
            pageSize,
            direction: direction === 1 ? 1 : 2,
          });
          expect(ids).toEqual(expected);
          expect(info.rowTokens).toEqual(expected.map((id) => tokens[all.indexOf(id)]));
          const [first, last] = [expected[0], expected.at(-1)];
          if (first === undefined || last === undefined) return;
          expect([info.hasBefore, info.hasAfter]).toEqual([
            all.indexOf(first) > 0,
            all.indexOf(last) < rows - 1,
          ]);
        }),
        { numRuns: 150 },
      );
    });
  });

  it('readPage() finds a row again by its token when its neighbours are gone', async () => {
    const { info } = await read(byPrice, { pageSize: 20 });
    await store.query('DELETE FROM things WHERE id IN (SELECT id FROM things ORDER BY price, id LIMIT 20)');
    const all = await allIds(byPrice);
    const { ids, info: next } = await read(byPrice, { pageSize: 5, afterToken: info.rowTokens[19] ?? '' });
    expect(ids).toEqual(all.slice(0, 5));
    expect(next.hasBefore).toBe(false);
  });
});

describe('the cost of a page', () => {
  let database: TestDatabase;
  let store: Store;

  beforeAll(async () => {
    database = await createTestDatabase('seeded');
    store = createStore({ url: database.url });
  });
  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  const list: PageList = {
    ...newest,
    name: 'orders',
    keys: [
      { column: 'create_time', type: 'timestamptz' },
      { column: 'id', type: 'text' },
    ],
  };

  it.each([false, true])('page 1,000 reads as many rows as page 1 (backward: %s)', async (backward) => {
    const [row] = await store.query<{ made: string; id: string }>(
      `SELECT (extract(epoch FROM create_time) * 1000000)::bigint::text AS made, id FROM orders
       ORDER BY create_time ${backward ? 'ASC' : 'DESC'}, id ${backward ? 'ASC' : 'DESC'} OFFSET 19979 LIMIT 1`,
    );
    const position = [row?.made ?? '', row?.id ?? ''];
    const bound = backward ? { before: position } : { after: position };
    const first = await explain({ size: 20, skip: 0, backward, after: undefined, before: undefined });
    const thousandth = await explain({
      size: 20,
      skip: 0,
      backward,
      after: undefined,
      before: undefined,
      ...bound,
    });
    expect(first.rows).toBe(21);
    expect(thousandth.rows).toBeLessThanOrEqual(21);
    expect(thousandth.removed).toBe(0);
    // A row's heap page each at most (how rows lie on pages varies), and the way down the index; OFFSET would read them all.
    expect(thousandth.buffers).toBeLessThanOrEqual(21 + 4);
    expect(thousandth.node).toMatch(/^Index (Only )?Scan$/);
  });

  async function explain(plan: PageSource['plan']) {
    const { bind, values } = createParams();
    const text = pageStatement(
      { list, plan, from: 'orders', columns: ['id', 'state'], where: () => [] },
      bind,
    );
    const [row] = await store.query<{ 'QUERY PLAN': [{ Plan: ExplainNode }] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
      values,
    );
    const scan = row?.['QUERY PLAN'][0].Plan;
    const leaf = scan && leafOf(scan);
    return {
      node: leaf?.['Node Type'],
      rows: leaf?.['Actual Rows'] ?? Number.NaN,
      removed: leaf?.['Rows Removed by Filter'] ?? 0,
      buffers: (leaf?.['Shared Hit Blocks'] ?? 0) + (leaf?.['Shared Read Blocks'] ?? 0),
    };
  }
});

interface ExplainNode {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly ExplainNode[];
}

function leafOf(node: ExplainNode): ExplainNode {
  const child = node.Plans?.[0];
  return child ? leafOf(child) : node;
}
