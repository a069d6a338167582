import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Shop, startShop } from '../kit/shop.ts';

interface OrderPage {
  readonly orders: {
    readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[];
    readonly pageInfo: {
      readonly hasNextPage: boolean;
      readonly hasPreviousPage: boolean;
      readonly startCursor: string | null;
      readonly endCursor: string | null;
    };
  };
}

const document = `query ($first: Int, $after: String, $last: Int, $before: String) {
  orders(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

const pageSize = 100;

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop?.close());

describe('a walk over all orders while others are inserted', () => {
  it.each(['forward', 'backward'] as const)('meets each of them exactly once going %s', async (direction) => {
    const before = await orderIds();
    expect(before.length).toBeGreaterThanOrEqual(20_000);
    const walked = direction === 'forward' ? await walkForward() : (await walkBackward()).toReversed();
    expect(new Set(walked).size).toBe(walked.length);
    const existed = new Set(before);
    expect(walked.filter((id) => existed.has(id))).toEqual(before);
    expect(walked.length).toBeGreaterThan(before.length);
  });
});

async function walkForward(): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  for (let page = 0; ; page += 1) {
    const { edges, pageInfo }: OrderPage['orders'] = await ask({ first: pageSize, after });
    ids.push(...edges.map(({ node }) => node.id));
    expect(pageInfo.hasPreviousPage).toBe(page > 0);
    if (!pageInfo.hasNextPage) return ids;
    after = pageInfo.endCursor;
    await insertOrders(page);
  }
}

/** From the last page to the first; the ids of each page from its last row to its first. */
async function walkBackward(): Promise<string[]> {
  const ids: string[] = [];
  let before: string | null = null;
  for (let page = 0; ; page += 1) {
    const { edges, pageInfo }: OrderPage['orders'] = await ask({ last: pageSize, before });
    ids.push(...edges.map(({ node }) => node.id).toReversed());
    if (!pageInfo.hasPreviousPage) return ids;
    before = pageInfo.startCursor;
    await insertOrders(page + 100_000);
  }
}

async function ask(variables: Record<string, unknown>): Promise<OrderPage['orders']> {
  const { data, errors } = await shop.ask<OrderPage>(document, variables);
  expect(errors).toBeUndefined();
  if (!data) throw new Error('The answer had no data.');
  return data.orders;
}

/** The global ids of all orders in the list's order, straight from SQL. */
async function orderIds(): Promise<string[]> {
  const rows = await shop.store.query<{ id: string }>(
    'SELECT id FROM orders ORDER BY create_time DESC, id DESC',
  );
  return rows.map(({ id }) => Buffer.from(`Order:${id}`).toString('base64url'));
}

/** Three orders: two with sort keys that others have already, before and behind the reader, and one new newest. */
async function insertOrders(page: number): Promise<void> {
  await shop.store.query(
    `INSERT INTO orders (id, customer_id, state, currency_code, total_nanos, create_time, update_time)
     SELECT 'order-new-' || $1::text || '-' || row_number() OVER (), customer_id, 1, 'EUR', 0, create_time, create_time
     FROM ((SELECT customer_id, create_time FROM orders ORDER BY create_time DESC, id DESC OFFSET $2 LIMIT 1)
       UNION ALL (SELECT customer_id, create_time FROM orders ORDER BY create_time, id OFFSET $2 LIMIT 1)
       UNION ALL (SELECT 'user-1', max(create_time) + interval '1 second' FROM orders)) AS places`,
    [page, (page * 97) % 5000],
  );
}
