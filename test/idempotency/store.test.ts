import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../src/idempotency/memory-store.ts';
import { createRedisStore } from '../../src/idempotency/redis-store.ts';
import { type IdempotencyStore, keyTimes } from '../../src/idempotency/store.ts';
import { answerMaxBytes, storedAnswerFrom } from '../../src/idempotency/stored-answer.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startRedis, type TestRedis } from '../kit/redis.ts';

/** A store whose records a test makes older. */
interface Aged {
  readonly store: IdempotencyStore;
  /** Ends the lease of a record that runs. */
  readonly lapse: (id: string) => Promise<void>;
  /** Lets 24 hours pass for a record. */
  readonly expire: (id: string) => Promise<void>;
}

let server: TestRedis;
let redis: Redis;
let other: Redis;
let number = 0;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  other = new Redis(server.url);
}, 120_000);

afterAll(async () => {
  redis.disconnect();
  other.disconnect();
  await server.stop();
});

const stores: readonly (readonly [string, () => Aged])[] = [
  [
    'createMemoryStore()',
    () => {
      const clock = createFakeClock();
      return {
        store: createMemoryStore({ clock }),
        lapse: async () => clock.advance(keyTimes.leaseMs),
        expire: async () => clock.advance(keyTimes.retentionMs),
      };
    },
  ],
  [
    'createRedisStore()',
    () => {
      const prefix = `test-${++number}`;
      return {
        store: createRedisStore({ redis, prefix }),
        lapse: async (id) => {
          const key = `${prefix}:${id}`;
          if ((await redis.hget(key, 'state')) === 'running') await redis.hset(key, 'leaseEnd', '1');
        },
        expire: async (id) => {
          // Redis forgets it by itself: its time is what it was given, so all that is left is to let it pass.
          const leftMs = await redis.pttl(`${prefix}:${id}`);
          if (leftMs > keyTimes.retentionMs - 60_000) await redis.pexpire(`${prefix}:${id}`, 0);
        },
      };
    },
  ],
];

const fingerprint = 'f'.repeat(64);
const request = (token: string, isRepeatable = true) => ({ id: 'key', fingerprint, token, isRepeatable });
const holder = (token: string, attempt = 1) => ({ id: 'key', fingerprint, token, attempt });
const answer = storedAnswerFrom('{"data":{"name":"Zoë \\ud800 \\u0000"}}');

describe.each(stores)('%s', (_name, open) => {
  let aged: Aged;
  let store: IdempotencyStore;

  beforeEach(() => {
    aged = open();
    store = aged.store;
  });

  it('gives one of a hundred that come at once the claim', async () => {
    const claims = await Promise.all(
      Array.from({ length: 100 }, (_, index) => store.claim(request(`token-${index}`))),
    );
    expect(claims.filter(({ kind }) => kind === 'claimed')).toEqual([{ kind: 'claimed', attempt: 1 }]);
    expect(claims.filter(({ kind }) => kind === 'running')).toHaveLength(99);
    for (const claim of claims)
      if (claim.kind === 'running') {
        expect(claim.leaseLeftMs).toBeGreaterThan(keyTimes.leaseMs - 5000);
        expect(claim.leaseLeftMs).toBeLessThanOrEqual(keyTimes.leaseMs);
      }
  });

  it('replays an answer character by character until it is 24 hours old', async () => {
    await store.claim(request('a'));
    expect(await store.complete(holder('a'), answer)).toEqual({ kind: 'kept' });
    expect(await store.claim(request('b'))).toEqual({ kind: 'done', answer });
    await aged.expire('key');
    expect(await store.claim(request('b'))).toEqual({ kind: 'claimed', attempt: 1 });
  });

  it('keeps of an answer that is too long what identifies it', async () => {
    const long = storedAnswerFrom('x'.repeat(answerMaxBytes + 1));
    await store.claim(request('a'));
    await store.complete(holder('a'), long);
    expect(await store.claim(request('b'))).toEqual({
      kind: 'done',
      answer: { kind: 'digest', bytes: answerMaxBytes + 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  it('tells a mismatch whatever the state', async () => {
    const mismatched = () => store.claim({ ...request('z'), fingerprint: 'other' });
    await store.claim(request('a'));
    expect(await mismatched()).toEqual({ kind: 'mismatch' });
    await store.abandon(holder('a'));
    expect(await mismatched()).toEqual({ kind: 'mismatch' });
    await store.complete(holder('a'), answer);
    expect(await mismatched()).toEqual({ kind: 'mismatch' });
  });

  it('lets another take over when the lease has lapsed, and the first one changes nothing any more', async () => {
    await store.claim(request('a'));
    await aged.lapse('key');
    expect(await store.claim(request('b', false))).toEqual({ kind: 'unknown' });
    expect(await store.claim(request('b'))).toEqual({ kind: 'claimed', attempt: 2 });
    expect(await store.extend(holder('a'))).toBe(false);
    await store.release(holder('a'));
    await store.abandon(holder('a'));
    expect(await store.complete(holder('a'), storedAnswerFrom('late'))).toEqual({
      kind: 'lost',
      answer: undefined,
    });
    await store.complete(holder('b', 2), answer);
    expect(await store.complete(holder('a'), storedAnswerFrom('later'))).toEqual({ kind: 'lost', answer });
    expect(await store.claim(request('c'))).toEqual({ kind: 'done', answer });
  });

  it('prolongs a lease from the moment of the heartbeat', async () => {
    await store.claim(request('a'));
    await aged.lapse('key');
    expect(await store.extend(holder('a'))).toBe(true);
    expect(await store.claim(request('b'))).toMatchObject({ kind: 'running' });
  });

  it('forgets what had no effect, but not what an earlier attempt may have had', async () => {
    await store.claim(request('a'));
    await store.release(holder('a'));
    expect(await store.claim(request('b'))).toEqual({ kind: 'claimed', attempt: 1 });
    await store.abandon(holder('b'));
    expect(await store.claim(request('c'))).toEqual({ kind: 'claimed', attempt: 2 });
    await store.release(holder('c', 2));
    expect(await store.claim(request('d', false))).toEqual({ kind: 'unknown' });
    expect(await store.claim(request('d'))).toEqual({ kind: 'claimed', attempt: 3 });
  });

  it('answers a repeated call as the first time', async () => {
    const twice = async <Reply>(call: () => Promise<Reply>) => expect(await call()).toEqual(await call());
    await twice(() => store.claim(request('a')));
    await twice(() => store.extend(holder('a')));
    await twice(() => store.complete(holder('a'), answer));
    await twice(() => store.release(holder('a')));
    expect(await store.claim(request('b'))).toEqual({ kind: 'done', answer });
  });

  it('lets the holder of a forgotten claim write it anew', async () => {
    await store.claim(request('a'));
    await aged.expire('key');
    expect(await store.extend(holder('a'))).toBe(true);
    expect(await store.claim(request('b'))).toMatchObject({ kind: 'running' });
    await aged.expire('key');
    expect(await store.complete(holder('a'), answer)).toEqual({ kind: 'kept' });
    expect(await store.claim(request('b'))).toEqual({ kind: 'done', answer });
  });
});

/** One random call; `token` is the caller's number, and each caller holds the attempt that it was last given. */
const step = fc.record({
  call: fc.constantFrom(
    'claim',
    'claim',
    'claimOnce',
    'mismatch',
    'extend',
    'complete',
    'release',
    'abandon',
    'lapse',
    'expire',
  ),
  token: fc.constantFrom('a', 'b', 'c'),
});

it('createRedisStore() answers as createMemoryStore() does in 300 random histories of up to 30 calls', async () => {
  const opens = stores.map(([, open]) => open);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const [memory, shared] = opens.map((open) => open());
      if (!memory || !shared) throw new Error('There are two stores.');
      expect(await replies(shared, steps)).toEqual(await replies(memory, steps));
    }),
    { numRuns: 300 },
  );
});

async function replies(
  { store, lapse, expire }: Aged,
  steps: readonly { readonly call: string; readonly token: string }[],
) {
  const attempts = new Map<string, number>();
  const told: unknown[] = [];
  for (const { call, token } of steps) {
    const held = holder(token, attempts.get(token) ?? 1);
    switch (call) {
      case 'claim':
      case 'claimOnce':
      case 'mismatch': {
        const asked = {
          ...request(token, call === 'claim'),
          fingerprint: call === 'mismatch' ? 'other' : fingerprint,
        };
        const claim = await store.claim(asked);
        if (claim.kind === 'claimed') attempts.set(token, claim.attempt);
        told.push(claim.kind === 'running' ? claim.kind : claim);
        break;
      }
      case 'extend':
        told.push(await store.extend(held));
        break;
      case 'complete':
        told.push(await store.complete(held, storedAnswerFrom(`answer of ${token}`)));
        break;
      case 'release':
        told.push(await store.release(held));
        break;
      case 'abandon':
        told.push(await store.abandon(held));
        break;
      case 'lapse':
        await lapse('key');
        break;
      case 'expire':
        await expire('key');
        break;
    }
  }
  return told;
}

describe('createRedisStore()', () => {
  it('shares keys between connections, and is known to a Redis that has lost its scripts', async () => {
    const prefix = `test-${++number}`;
    const [one, two] = [redis, other].map((connection) => createRedisStore({ redis: connection, prefix }));
    await one?.claim(request('a'));
    await redis.script('FLUSH');
    expect(await two?.claim(request('b'))).toMatchObject({ kind: 'running' });
  });

  it('keeps nothing for longer than 24 hours, and nothing without an end', async () => {
    const prefix = `test-${++number}`;
    const store = createRedisStore({ redis, prefix });
    await store.claim(request('a'));
    const leftMs = async () => redis.pttl(`${prefix}:key`);
    expect(await leftMs()).toBeGreaterThan(keyTimes.retentionMs - 60_000);
    await store.complete(holder('a'), answer);
    expect(await leftMs()).toBeGreaterThan(keyTimes.retentionMs - 60_000);
    expect(await leftMs()).toBeLessThanOrEqual(keyTimes.retentionMs);
  });
});

it('a store that did not compare tokens would keep another answer than it said: the control', async () => {
  const told: Record<string, unknown> = {};
  for (const compares of [true, false]) {
    const store = createRedisStore({
      redis: compares ? redis : withoutComparison(),
      prefix: `test-${++number}`,
    });
    await store.claim(request('a'));
    // The first holder sleeps; its lease has ended, and another takes over.
    await redis.hset(`test-${number}:key`, 'leaseEnd', '1');
    await store.claim(request('b'));
    const answers = [
      await store.complete(holder('a'), storedAnswerFrom('of a')),
      await store.complete(holder('b', 2), storedAnswerFrom('of b')),
      await store.claim(request('c')),
    ];
    told[String(compares)] = answers.map((reply) => ('answer' in reply ? reply.answer : reply.kind));
  }
  expect(told).toEqual({
    true: [undefined, 'kept', { kind: 'text', text: 'of b' }],
    false: ['kept', 'kept', { kind: 'text', text: 'of a' }],
  });
});

/** A connection on which the scripts lose what tells one holder from another. */
function withoutComparison(): Redis {
  const broken = {
    evalsha: () => Promise.reject(new Error('NOSCRIPT')),
    eval: (lua: string, ...rest: [number, string, ...string[]]) =>
      redis.eval(lua.replaceAll('token ~= ARGV[2]', 'false'), ...rest),
  };
  return broken as unknown as Redis; // as: the store calls nothing else
}

describe('createMemoryStore()', () => {
  const claimOf = (id: string) => ({ ...request('a'), id });

  it('forgets the oldest answer at its bound, and refuses a new key when none is done', async () => {
    const store = createMemoryStore({ clock: createFakeClock(), maxRecords: 2 });
    await store.claim(claimOf('1'));
    await store.claim(claimOf('2'));
    await expect(store.claim(claimOf('3'))).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(await store.claim({ ...claimOf('2'), token: 'b' })).toMatchObject({ kind: 'running' });
    await store.complete({ ...holder('a'), id: '2' }, answer);
    expect(await store.claim(claimOf('3'))).toEqual({ kind: 'claimed', attempt: 1 });
    expect(store.size()).toBe(2);
    expect(await store.claim({ ...claimOf('1'), token: 'b' })).toMatchObject({ kind: 'running' });
  });

  it('forgets the oldest answers when they are too long together', async () => {
    const store = createMemoryStore({ clock: createFakeClock(), maxAnswerLength: 20 });
    for (const id of ['1', '2', '3']) {
      await store.claim(claimOf(id));
      await store.complete({ ...holder('a'), id }, storedAnswerFrom('0123456789'));
    }
    expect(store.size()).toBe(2);
    expect(await store.claim({ ...claimOf('1'), token: 'b' })).toMatchObject({ kind: 'claimed' });
  });

  it('lets go of what is older than 24 hours', async () => {
    const clock = createFakeClock();
    const store = createMemoryStore({ clock });
    for (let index = 0; index < 50; index += 1) await store.claim(claimOf(String(index)));
    clock.advance(keyTimes.retentionMs);
    await store.claim(claimOf('new'));
    expect(store.size()).toBe(1);
    await store.close();
    expect(store.size()).toBe(0);
  });
});
