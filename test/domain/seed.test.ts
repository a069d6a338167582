import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyChunks } from '../../seed/copy.ts';
import { createPlan } from '../../seed/plan.ts';
import { isSeeded, type SeedProgress, seedDatabase } from '../../seed/seed.ts';
import { seedTables } from '../../seed/tables.ts';
import { OrderState } from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import { PaymentState } from '../../upstream-protos/gen/shop/payments/v1/payments.ts';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';

/** Change it when the data is meant to change: an answer that a test or a document quotes may then change too. */
const defaultSeedDigest = 'b8d8f3a50d053edf48f6423d276f8e7a261742d352de2710107aa928a0c3780c';

describe('seedTables()', () => {
  it('gives the same bytes when size and seed are the same', () => {
    expect(digest({})).toBe(defaultSeedDigest);
  });

  it('gives other bytes when the seed is another', () => {
    expect(digest({ scale: 0.05, seed: 2 })).not.toBe(digest({ scale: 0.05, seed: 1 }));
  });

  it('gives the same rows again when they are asked for again', () => {
    for (const { rows } of seedTables({ scale: 0.05 })) expect([...rows()]).toEqual([...rows()]);
  });
});

describe('createPlan()', () => {
  it.each([0.01, 1000])('accepts a scale of %s', (scale) => {
    expect(createPlan({ scale }).orders).toBe(20_000 * scale);
  });

  it.each([0.009, 1000.1, Number.NaN, -1])('refuses a scale of %s', (scale) => {
    expect(() => createPlan({ scale })).toThrow(RangeError);
  });

  it('refuses a seed that is no whole number', () => {
    expect(() => createPlan({ seed: 1.5 })).toThrow(RangeError);
  });
});

describe('copyChunks()', () => {
  it('escapes what COPY reads as an end of a cell or of a row', () => {
    const rows = [['a\tb\nc\r\\d', 1, 2n, new Date(0), ['x"y', 'z\\']]];
    const text = 'a\\tb\\nc\\r\\\\d\t1\t2\t1970-01-01T00:00:00.000Z\t{"x\\\\"y","z\\\\\\\\"}\n';
    expect([...copyChunks(rows)]).toEqual([text]);
  });

  it('never holds more than one chunk when there are many rows', () => {
    const rows = function* () {
      for (let i = 0; i < 100_000; i += 1) yield ['0123456789'];
    };
    const lengths = [...copyChunks(rows())].map((chunk) => chunk.length);
    expect(lengths.length).toBeGreaterThan(10);
    expect(Math.max(...lengths)).toBeLessThan(66_000);
  });
});

describe('seedDatabase() at the default size', () => {
  let database: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  /** The one value that a statement answers. */
  async function value(sql: string): Promise<unknown> {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows[0]?.[0];
  }

  it.each([
    ['users', 2_000],
    ['products', 5_000],
    ['orders', 20_000],
    ['order_lines', 60_000],
    ['reviews', 10_000],
    ['messages', 20_000],
    ['outbox', 20_000],
    ['rooms', 200],
  ])('makes the promised number of %s', async (table, count) => {
    expect(await value(`SELECT count(*)::int FROM ${table}`)).toBe(count);
  });

  /** Each statement counts the rows that would be wrong. */
  it.each([
    [
      'sums up an order by its lines',
      'SELECT count(*)::int FROM orders o WHERE total_nanos <> (SELECT sum(quantity * unit_price_nanos) FROM order_lines WHERE order_id = o.id)',
    ],
    [
      'sums up a product by its reviews',
      'SELECT count(*)::int FROM products p WHERE (review_count, rating_sum) <> (SELECT count(*), coalesce(sum(rating), 0) FROM reviews WHERE product_id = p.id)',
    ],
    [
      'counts the pieces sold by the orders that were not cancelled',
      `SELECT count(*)::int FROM products p LEFT JOIN (SELECT product_id, sum(quantity) AS sold FROM order_lines JOIN orders o ON o.id = order_id WHERE o.state <> ${OrderState.ORDER_STATE_CANCELLED} GROUP BY 1) l ON l.product_id = p.id WHERE units_sold <> coalesce(sold, 0)`,
    ],
    [
      'numbers lines from 1 without a gap, 6 at most',
      'SELECT count(*)::int FROM (SELECT count(*) AS n, max(number) AS last, min(number) AS first FROM order_lines GROUP BY order_id) l WHERE n <> last OR first <> 1 OR n > 6',
    ],
    [
      'makes friendships both ways',
      'SELECT count(*)::int FROM friendships f WHERE NOT EXISTS (SELECT FROM friendships b WHERE (b.user_id, b.friend_id, b.create_time) = (f.friend_id, f.user_id, f.create_time))',
    ],
    [
      'gives nobody more than 30 friends',
      'SELECT count(*)::int FROM (SELECT FROM friendships GROUP BY user_id HAVING count(*) > 30) f',
    ],
    [
      'numbers messages from 1 without a gap in each room',
      'SELECT count(*)::int FROM (SELECT count(*) AS n, max(sequence) AS last, min(sequence) AS first FROM messages GROUP BY room_id) m WHERE n <> last OR first <> 1',
    ],
    [
      'lets only members write',
      'SELECT count(*)::int FROM messages m WHERE NOT EXISTS (SELECT FROM room_members r WHERE (r.room_id, r.user_id) = (m.room_id, m.author_id))',
    ],
    [
      'logs each message in its place',
      "SELECT count(*)::int FROM messages m LEFT JOIN outbox o ON (o.topic, o.sequence) = ('room:' || m.room_id, m.sequence) WHERE o.subject IS DISTINCT FROM m.id OR o.payload ->> 'messageId' <> m.id",
    ],
    [
      'counts each log to its end',
      'SELECT count(*)::int FROM outbox_topics t WHERE last_sequence <> (SELECT max(sequence) FROM outbox WHERE topic = t.topic)',
    ],
    [
      'captures the payment of every order that is paid or further',
      `SELECT count(*)::int FROM orders o LEFT JOIN payments p ON p.id = o.payment_id WHERE o.state BETWEEN ${OrderState.ORDER_STATE_PAID} AND ${OrderState.ORDER_STATE_DELIVERED} AND p.state IS DISTINCT FROM ${PaymentState.PAYMENT_STATE_CAPTURED}`,
    ],
    [
      'names no payment of an order that is not paid',
      `SELECT count(*)::int FROM orders WHERE state = ${OrderState.ORDER_STATE_PENDING} AND payment_id <> ''`,
    ],
    [
      'gives the money of cancelled orders back',
      `SELECT count(*)::int FROM orders o JOIN payments p ON p.order_id = o.id WHERE o.state = ${OrderState.ORDER_STATE_CANCELLED} AND p.state <> ${PaymentState.PAYMENT_STATE_REFUNDED}`,
    ],
    [
      'takes the amount of the order',
      'SELECT count(*)::int FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.amount_nanos <> o.total_nanos',
    ],
    [
      'leaves payments to their customers and memberships to the times of their rooms',
      'SELECT (SELECT count(*) FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.customer_id <> o.customer_id)::int + (SELECT count(*) FROM room_members m JOIN rooms r ON r.id = m.room_id WHERE m.room_create_time <> r.create_time)::int',
    ],
    [
      'makes nothing before what it refers to',
      'SELECT count(*)::int FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN products p ON p.id = l.product_id JOIN users u ON u.id = o.customer_id WHERE o.create_time < greatest(p.create_time, u.create_time) OR o.update_time < o.create_time',
    ],
    [
      'numbers media beyond what a double holds',
      'SELECT count(*)::int FROM products WHERE media_id <= 9007199254740992',
    ],
    [
      'keeps biographies within 500 characters',
      'SELECT count(*)::int FROM users WHERE length(biography) > 500 OR length(display_name) NOT BETWEEN 1 AND 80',
    ],
  ])('%s', async (_, sql) => {
    expect(await value(sql)).toBe(0);
  });

  it('sells most of few products', async () => {
    const share =
      'SELECT sum(units_sold) FROM (SELECT units_sold FROM products ORDER BY units_sold DESC LIMIT 500) t';
    expect(await value(`SELECT (${share}) / sum(units_sold) > 0.6 FROM products`)).toBe(true);
  });

  it('has many orders of user-1, and orders in the same millisecond', async () => {
    expect(await value("SELECT count(*)::int FROM orders WHERE customer_id = 'user-1'")).toBeGreaterThan(500);
    expect(
      await value('SELECT max(n)::int FROM (SELECT count(*) AS n FROM orders GROUP BY create_time) t'),
    ).toBe(20);
  });

  it('has products of equal price, and names in many scripts', async () => {
    expect(await value('SELECT count(DISTINCT price_nanos)::int FROM products')).toBeLessThan(60);
    expect(
      await value("SELECT count(*)::int FROM users WHERE display_name ~ '[^\\x01-\\x7f]'"),
    ).toBeGreaterThan(500);
  });

  it.each([
    ['order_numbers', 'orders'],
    ['payment_numbers', 'payments'],
    ['message_numbers', 'messages'],
  ])('sets %s past the rows of %s', async (sequence, table) => {
    const highest = `SELECT max(split_part(id, '-', 2)::int) FROM ${table}`;
    expect(await value(`SELECT nextval('${sequence}') > (${highest})`)).toBe(true);
  });
});

describe('seedDatabase()', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase('empty');
  });
  afterAll(() => database.drop());

  it('leaves nothing when it is interrupted, and replaces what is there when it is done again', async () => {
    const interrupt = () => {
      throw new Error('interrupted');
    };
    const small = { url: database.url, scale: 0.01 };
    await expect(seedDatabase({ ...small, onProgress: interrupt })).rejects.toThrow('interrupted');
    expect(await isSeeded(database.url)).toBe(false);
    await expect(seedDatabase({ ...small, ...abortAfterFirstTable() })).rejects.toThrow('stopped');
    expect(await isSeeded(database.url)).toBe(false);
    await seedDatabase(small);
    await seedDatabase(small);
    expect(await isSeeded(database.url)).toBe(true);
  });

  it('tells of each table when it is filled', async () => {
    const told: string[] = [];
    const onProgress = ({ table, rows, tablesDone, tablesInAll }: SeedProgress) => {
      told.push(`${table} ${rows} ${tablesDone}/${tablesInAll}`);
    };
    await seedDatabase({ url: database.url, scale: 0.01, onProgress });
    expect(told.slice(0, 1)).toEqual(['users 20 1/12']);
    expect(told).toHaveLength(12);
  });
});

/** Stops in the middle of the second table. */
function abortAfterFirstTable() {
  const controller = new AbortController();
  const stop = () => queueMicrotask(() => controller.abort(new Error('stopped')));
  return { signal: controller.signal, onProgress: stop };
}

function digest(size: { scale?: number; seed?: number }): string {
  const hash = createHash('sha256');
  for (const { name, columns, rows } of seedTables(size)) {
    hash.update(`${name} ${columns}\n`);
    for (const chunk of copyChunks(rows())) hash.update(chunk);
  }
  return hash.digest('hex');
}
