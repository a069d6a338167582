import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expireKeys, keyViolations, onceByKey } from '../../upstreams/idempotency.ts';
import { createStore, type Store } from '../../upstreams/store.ts';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';
import { until } from './upstream-fixture.ts';

let database: TestDatabase;
let store: Store;
let runs = 0;

beforeAll(async () => {
  database = await createTestDatabase('empty');
  store = createStore({ url: database.url });
});
beforeEach(async () => {
  runs = 0;
  await store.query('TRUNCATE idempotency_keys');
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

function pay(request: string, work: () => Promise<string> = async () => `reply ${++runs}`, scope = 'user-1') {
  return store.transaction(async (tx) => {
    const call = {
      method: 'PaymentService/CreatePayment',
      scope,
      key: 'key-0123456789abc',
      request: Buffer.from(request),
    };
    return String(await onceByKey(tx, call, async () => Buffer.from(await work())));
  });
}

describe('onceByKey()', () => {
  it('onceByKey() runs once and gives the first reply again', async () => {
    expect([await pay('10 EUR'), await pay('10 EUR')]).toEqual(['reply 1', 'reply 1']);
    expect(await pay('10 EUR', undefined, 'user-2')).toBe('reply 2');
  });

  it('onceByKey() refuses the key with another request', async () => {
    await pay('10 EUR');
    await expect(pay('11 EUR')).rejects.toMatchObject({
      code: 9,
      details: expect.stringContaining('another request'),
    });
    expect(runs).toBe(1);
  });

  it('onceByKey() runs once when ten calls come together', async () => {
    const replies = await Promise.all(Array.from({ length: 10 }, () => pay('10 EUR')));
    expect(new Set(replies)).toEqual(new Set(['reply 1']));
    expect(runs).toBe(1);
  });

  it('onceByKey() lets the second call run when the first one fails', async () => {
    const release = Promise.withResolvers<string>();
    const first = pay('10 EUR', () => release.promise);
    await until(
      async () =>
        (
          await store.query(
            "SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()",
          )
        ).length > 0,
    );
    const second = pay('10 EUR');
    await until(
      async () =>
        (
          await store.query(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
          )
        ).length > 0,
    );
    expect(runs).toBe(0);
    release.reject(new Error('card refused'));
    await expect(first).rejects.toThrow('card refused');
    expect(await second).toBe('reply 1');
  });
});

describe('keyViolations()', () => {
  it.each([
    [15, 1],
    [16, 0],
    [255, 0],
    [256, 1],
  ])('keyViolations() of a key of %i characters are %i', (length, count) => {
    expect(keyViolations('k'.repeat(length), 'header.key')).toHaveLength(count);
  });
});

describe('expireKeys()', () => {
  it('expireKeys() removes keys older than seven days', async () => {
    await pay('10 EUR');
    expect(await expireKeys(store)).toBe(0);
    await store.query("UPDATE idempotency_keys SET create_time = now() - interval '7 days 1 second'");
    expect(await expireKeys(store)).toBe(1);
  });
});
