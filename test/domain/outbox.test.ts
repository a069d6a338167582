import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createOutbox, type FollowOptions, type Outbox, type OutboxEvent } from '../../upstreams/outbox.ts';
import { createStore, type Store } from '../../upstreams/store.ts';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';
import { until } from './upstream-fixture.ts';

let database: TestDatabase | undefined;
let store: Store;
let outbox: Outbox;

beforeEach(async () => {
  database ??= await createTestDatabase('empty');
  store = createStore({ url: database.url, maxConnections: 20 });
  outbox = createOutbox({ store });
  await store.query('TRUNCATE outbox, outbox_topics');
  return () => store.close();
});
afterAll(() => database?.drop());

function append(n: number, part: { topic?: string; subject?: string; owner?: string } = {}): Promise<bigint> {
  const entry = { topic: 'things', subject: `thing-${n}`, owner: '', payload: { n }, ...part };
  return store.transaction((tx) => outbox.append(tx, entry));
}

function follow(part: Partial<FollowOptions> = {}) {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const events = outbox.follow({ topic: 'things', after: 0n, signal: controller.signal, ...part });
  return { events, stop: () => controller.abort() };
}

async function take(events: AsyncGenerator<OutboxEvent, void>, count: number): Promise<OutboxEvent[]> {
  const taken: OutboxEvent[] = [];
  while (taken.length < count) {
    const { value } = await events.next();
    if (!value) break;
    taken.push(value);
  }
  return taken;
}

describe('append()', () => {
  it('append() numbers each topic 1, 2, 3 in the order of commits', async () => {
    expect([await append(1), await append(2), await append(3, { topic: 'others' })]).toEqual([1n, 2n, 1n]);
  });

  it('append() keeps nothing of a transaction that rolls back, not even its number', async () => {
    const failing = store.transaction(async (tx) => {
      await outbox.append(tx, { topic: 'things', subject: 'x', owner: '', payload: {} });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await append(1)).toBe(1n);
  });
});

describe('follow()', () => {
  it('follow() gives what is kept, then what comes, with all of each event', async () => {
    await append(1, { owner: 'user-1' });
    const { events } = follow();
    const [first] = await take(events, 1);
    expect(first).toEqual({
      topic: 'things',
      sequence: 1n,
      subject: 'thing-1',
      owner: 'user-1',
      payload: { n: 1 },
      time: expect.any(Date),
    });
    const next = take(events, 1);
    await append(2);
    expect(await next).toMatchObject([{ sequence: 2n }]);
  });

  it('follow() misses and repeats nothing while twenty writers append', async () => {
    const { events } = follow();
    const taking = take(events, 400);
    await Promise.all(
      Array.from({ length: 20 }, async (_, writer) => {
        for (let i = 0; i < 20; i++) await append(writer * 20 + i);
      }),
    );
    const sequences = (await taking).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 400 }, (_, i) => BigInt(i + 1)));
  });

  it('follow() gives only its topic, subjects and owner', async () => {
    await append(1, { owner: 'a' });
    await append(2, { owner: 'b' });
    await append(3, { owner: 'a', topic: 'others' });
    await append(4, { owner: 'a' });
    const ofOwner = follow({ owner: 'a' }).events;
    expect((await take(ofOwner, 2)).map(({ sequence }) => sequence)).toEqual([1n, 3n]);
    const ofSubject = follow({ subjects: ['thing-2', 'thing-4'] }).events;
    expect((await take(ofSubject, 2)).map(({ sequence }) => sequence)).toEqual([2n, 3n]);
  });

  it('follow() from -1 gives what comes after onStart, and nothing of before', async () => {
    await append(1);
    const started = Promise.withResolvers<bigint>();
    const { events } = follow({ after: -1n, onStart: started.resolve });
    const next = take(events, 1);
    expect(await started.promise).toBe(1n);
    await append(2);
    expect(await next).toMatchObject([{ sequence: 2n }]);
  });

  it('follow() from a sequence goes on after it, and refuses one past the end', async () => {
    for (let n = 1; n <= 3; n++) await append(n);
    expect(await take(follow({ after: 1n }).events, 2)).toMatchObject([{ sequence: 2n }, { sequence: 3n }]);
    await expect(follow({ after: 4n }).events.next()).rejects.toMatchObject({ code: 11 });
    await expect(follow({ after: -2n }).events.next()).rejects.toMatchObject({ code: 3 });
  });

  it('follow() refuses a sequence whose successors were removed, and takes 0 for all that are kept', async () => {
    for (let n = 1; n <= 4; n++) await append(n);
    await store.query('DELETE FROM outbox WHERE sequence <= 2');
    await expect(follow({ after: 1n }).events.next()).rejects.toMatchObject({ code: 11 });
    expect(await take(follow({ after: 2n }).events, 1)).toMatchObject([{ sequence: 3n }]);
    expect(await take(follow({ after: 0n }).events, 1)).toMatchObject([{ sequence: 3n }]);
    await store.query('DELETE FROM outbox');
    await expect(follow({ after: 3n }).events.next()).rejects.toMatchObject({ code: 11 });
    const all = follow({ after: 0n }).events;
    const next = take(all, 1);
    await append(5);
    expect(await next).toMatchObject([{ sequence: 5n }]);
  });

  it('follow() fails rather than leave a gap when retention overtakes a slow reader', async () => {
    for (let n = 1; n <= 150; n++) await append(n);
    const { events } = follow();
    await take(events, 100);
    await store.query('DELETE FROM outbox WHERE sequence <= 120');
    await expect(events.next()).rejects.toMatchObject({ code: 11 });
  });

  it('follow() finds what no notice told of within two polls', async () => {
    await append(1);
    const { events } = follow();
    await take(events, 1);
    await store.query("UPDATE outbox_topics SET last_sequence = 2 WHERE topic = 'things'");
    await store.query(
      "INSERT INTO outbox (topic, sequence, subject, payload) VALUES ('things', 2, 'quiet', '{}')",
    );
    expect(await take(events, 1)).toMatchObject([{ subject: 'quiet' }]);
  });

  it('follow() goes on when its connections were lost', async () => {
    const { events } = follow();
    await append(1);
    await take(events, 1);
    const next = take(events, 1);
    const other = createStore({ url: database?.url ?? '' });
    await other.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shop listener' AND datname = current_database()",
    );
    await other.close();
    await append(2);
    expect(await next).toMatchObject([{ sequence: 2n }]);
  });

  it('follow() ends when its signal aborts', async () => {
    const { events, stop } = follow();
    const next = events.next();
    await append(1);
    expect((await next).value).toMatchObject({ sequence: 1n });
    const last = events.next();
    stop();
    expect(await last.catch(() => ({ done: true }))).toMatchObject({ done: true });
  });
});

describe('expire()', () => {
  it('expire() removes what is old, but never the last 1,000 of a topic', async () => {
    await store.query("INSERT INTO outbox_topics VALUES ('things', 1002), ('quiet', 3)");
    await store.query(
      `INSERT INTO outbox (topic, sequence, subject, payload, create_time)
       SELECT topic, n, 's', '{}', now() - interval '8 days' FROM outbox_topics, generate_series(1, last_sequence) n`,
    );
    await store.query(
      "UPDATE outbox SET create_time = now() - interval '6 days' WHERE topic = 'things' AND sequence = 1",
    );
    expect(await outbox.expire()).toBe(1);
    expect(await outbox.expire(5 * 24 * 3_600_000)).toBe(1);
    const kept = await store.query(
      'SELECT topic, min(sequence), count(*) FROM outbox GROUP BY topic ORDER BY topic',
    );
    expect(kept).toEqual([
      { topic: 'quiet', min: 1n, count: 3n },
      { topic: 'things', min: 3n, count: 1000n },
    ]);
    await until(async () => (await outbox.expire()) === 0);
  });
});
