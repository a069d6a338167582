import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../upstreams/migrate.ts';
import { createStore, type Store } from '../../upstreams/store.ts';
import { busyMs } from '../kit/busy.ts';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';
import { until } from './upstream-fixture.ts';

let database: TestDatabase;
let store: Store;
/** Sees the database from outside. */
let observer: Store;

beforeAll(async () => {
  database = await createTestDatabase('empty');
  store = createStore({ url: database.url, maxConnections: 3, maxWaiting: 2 });
  observer = createStore({ url: database.url });
});
afterAll(async () => {
  await store.close();
  await observer.close();
  await database.drop();
});

async function sleepers(): Promise<number> {
  const rows = await observer.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
     AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()`,
  );
  return rows.length;
}

describe('query()', () => {
  it('query() gives int8 as bigint and leaves the parsers of the process alone', async () => {
    expect(await store.query('SELECT 9007199254740993::int8 AS big, 7::int4 AS small')).toEqual([
      { big: 9007199254740993n, small: 7 },
    ]);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    expect((await client.query('SELECT 7::int8 AS big')).rows).toEqual([{ big: '7' }]);
    await client.end();
  });

  it('query() cancels its statement inside Postgres at once when the signal aborts', async () => {
    const controller = new AbortController();
    const reason = new Error('nobody waits');
    const running = store.query('SELECT pg_sleep(60)', [], controller.signal);
    await until(async () => (await sleepers()) === 1);
    const startMs = performance.now();
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(await sleepers()).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(busyMs);
  });

  it('query() leaves the statement running when it has no signal (control)', async () => {
    const failing = expect(store.query('SELECT pg_sleep(60)')).rejects.toThrow(/terminat/);
    await until(async () => (await sleepers()) === 1);
    await observer.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()`,
    );
    await failing;
    expect(await store.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('query() never hits the next statement of a connection with a late cancellation', async () => {
    const own = createStore({ url: database.url, maxConnections: 1 });
    let cancelled = 0;
    for (let i = 0; i < 300; i++) {
      const controller = new AbortController();
      const first = own.query('SELECT pg_sleep(0.001)', [], controller.signal);
      const timer = setTimeout(() => controller.abort(new Error('late')), 1 + (i % 3));
      await first.catch(() => cancelled++);
      clearTimeout(timer);
      expect(await own.query('SELECT 1 AS one FROM pg_sleep(0.0005)')).toEqual([{ one: 1 }]);
    }
    await own.close();
    expect(cancelled).toBeGreaterThan(0);
  });

  it('query() with a signal that has aborted runs nothing', async () => {
    await expect(store.query('SELECT 1/0', [], AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });

  it('query() refuses what waits beyond its bound, and forgets who stopped waiting', async () => {
    const controller = new AbortController();
    const busy = Array.from({ length: 3 }, () => store.query('SELECT pg_sleep(60)', [], controller.signal));
    const waiting = Array.from({ length: 2 }, () => store.query('SELECT 1', [], controller.signal));
    const settled = Promise.allSettled([...busy, ...waiting]);
    await until(async () => (await sleepers()) === 3);
    await expect(store.query('SELECT 1')).rejects.toMatchObject({
      details: expect.stringContaining('More than 2'),
    });
    controller.abort(new Error('enough'));
    expect((await settled).map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    expect(await Promise.all([1, 2, 3].map(() => store.query('SELECT 1 AS one')))).toHaveLength(3);
  });

  it('query() says UNAVAILABLE when there is no Postgres', async () => {
    const nowhere = createStore({ url: 'postgresql://postgres@127.0.0.1:1/postgres' });
    await expect(nowhere.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await nowhere.close();
  });
});

describe('transaction()', () => {
  it('transaction() keeps nothing of what throws or is aborted', async () => {
    await store.query('CREATE TABLE IF NOT EXISTS kept (n int)');
    const boom = new Error('boom');
    const throwing = store.transaction(async (tx) => {
      await tx.query('INSERT INTO kept VALUES (1)');
      throw boom;
    });
    await expect(throwing).rejects.toBe(boom);
    const controller = new AbortController();
    const aborting = store.transaction(async (tx) => {
      await tx.query('INSERT INTO kept VALUES (2)');
      const sleeping = tx.query('SELECT pg_sleep(60)');
      await until(async () => (await sleepers()) === 1);
      controller.abort(boom);
      await sleeping;
    }, controller.signal);
    await expect(aborting).rejects.toBe(boom);
    await store.transaction((tx) => tx.query('INSERT INTO kept VALUES (3)'));
    expect(await store.query('SELECT n FROM kept')).toEqual([{ n: 3 }]);
  });
});

describe('listen()', () => {
  it('listen() hears its channel, and says so when it may have missed something', async () => {
    const heard: string[] = [];
    const other: string[] = [];
    const unlisten = store.listen('here', (payload) => heard.push(payload));
    store.listen('there', (payload) => other.push(payload));
    await until(async () => heard.length > 0 && other.length > 0);
    expect([heard.splice(0), other.splice(0)]).toEqual([[''], ['']]);
    await observer.query("SELECT pg_notify('here', 'a')");
    await until(async () => heard.includes('a'));

    await observer.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shop listener' AND datname = current_database()",
    );
    await until(async () => heard.includes('') && other.includes(''));
    await observer.query("SELECT pg_notify('here', 'b')");
    await until(async () => heard.includes('b'));

    unlisten();
    await observer.query("SELECT pg_notify('here', 'c'), pg_notify('there', 'd')");
    await until(async () => other.includes('d'));
    expect(heard).not.toContain('c');
  });
});

describe('close()', () => {
  it('close() leaves no connection behind', async () => {
    const own = createStore({ url: `${database.url}?options=-c%20application_name%3Downed` });
    await own.query('SELECT 1');
    const heard: string[] = [];
    own.listen('here', (payload) => heard.push(payload));
    await until(async () => heard.length > 0);
    const before = await connections();
    await own.close();
    await until(async () => (await connections()) < before - 1);
  });

  async function connections(): Promise<number> {
    const rows = await observer.query(
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'shop%'",
    );
    return rows.length;
  }
});

describe('migrate()', () => {
  it('migrate() applies each file once when many start together', async () => {
    expect(await migrate(store)).toEqual([]);
    await store.query('DROP SCHEMA public CASCADE');
    await store.query('CREATE SCHEMA public');
    const applied = await Promise.all([migrate(store), migrate(store), migrate(observer)]);
    expect(applied.flat()).toEqual(['0001-shop.sql', '0002-lists.sql']);
  });

  it('migrate() gives the rows that are there what the lists are sorted by', async () => {
    await store.query('DROP SCHEMA public CASCADE');
    await store.query('CREATE SCHEMA public');
    const folder = new URL('../../upstreams/migrations/', import.meta.url);
    await store.query(await readFile(new URL('0001-shop.sql', folder), 'utf8'));
    await store.query(
      'CREATE TABLE migrations (name text PRIMARY KEY, apply_time timestamptz DEFAULT now())',
    );
    await store.query(`INSERT INTO migrations VALUES ('0001-shop.sql')`);
    await store.query(`INSERT INTO users VALUES ('user-1', 'A', 'a@shop.example', '', 1, '', 1, now())`);
    await store.query(
      `INSERT INTO orders VALUES ('order-1', 'user-1', 2, 'EUR', 1, 'payment-1', '', now(), now())`,
    );
    await store.query(`INSERT INTO payments VALUES ('payment-1', 'order-1', 'EUR', 1, 1, '{}', now())`);
    await store.query(`INSERT INTO rooms VALUES ('room-1', 'A room', '2026-01-02T03:04:05Z')`);
    await store.query(`INSERT INTO room_members VALUES ('room-1', 'user-1')`);
    expect(await migrate(store)).toEqual(['0002-lists.sql']);
    expect(await store.query('SELECT customer_id FROM payments')).toEqual([{ customer_id: 'user-1' }]);
    const members = await store.query('SELECT room_create_time FROM room_members');
    expect(members).toEqual([{ room_create_time: new Date('2026-01-02T03:04:05Z') }]);
  });
});
