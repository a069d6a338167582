/**
 * One process of the crowd that spends one budget at random (see crowd.ts). It writes a line before and after each step,
 * at once, so that whoever reads them knows how far it was when it was killed.
 */
import { writeSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createRandom, intBetween } from '../../../seed/random.ts';
import { systemClock } from '../../../src/clock.ts';
import type { BudgetStore } from '../../../src/guard/budget/budget-store.ts';
import { createLeasedStore } from '../../../src/guard/budget/leased-store.ts';
import { createRedisStore } from '../../../src/guard/budget/redis-store.ts';
import { createRacyStore } from './racy-store.ts';
import { reservationKey, type WorkerOptions } from './worker-options.ts';

const options: WorkerOptions = JSON.parse(process.argv[2] ?? '');
const { url, tier, kind, number, lanes, maxPoints, maxHoldMs, leaseMs } = options;
const redis = new Redis(url);
const store = createStore();
let isOver = false;
let count = 0;

process.on('disconnect', () => process.exit());
process.once('message', () => {
  process.once('message', () => {
    isOver = true;
  });
  void Promise.all(Array.from({ length: lanes }, (_, lane) => spend(lane))).then(finish);
});
await redis.ping();
say('ready');

function createStore(): BudgetStore {
  const shared = createRedisStore({ redis });
  switch (kind) {
    case 'exact':
      return shared;
    case 'leased':
      return createLeasedStore({ store: shared, clock: systemClock });
    case 'racy':
      return createRacyStore(redis);
  }
}

function say(...words: readonly (string | number)[]): void {
  writeSync(1, `${words.join(' ')}\n`);
}

/** Wall microseconds, with fractions of a millisecond. */
function nowUs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

async function spend(lane: number): Promise<void> {
  const random = createRandom(options.seed, 'message', number * 1_000 + lane);
  while (!isOver) {
    count += 1;
    const id = `${options.name}-${count}`;
    const points = intBetween(random, 1, maxPoints);
    const answer = await store.reserve({ id, tiers: [tier], points, leaseMs });
    if (answer.kind !== 'admitted') {
      say('refused', id);
      await after(random() * 20);
      continue;
    }
    const localUs = nowUs();
    // What the store noted, by the clock of Redis; what was taken from a chunk is not noted there.
    const record = await redis.get(reservationKey(tier, id));
    say(
      'reserved',
      id,
      Number(record?.split(' ')[0] ?? localUs),
      points,
      record === null ? 'local' : 'shared',
    );
    await after(random() * maxHoldMs);
    const actual = random() < 0.5 ? points : intBetween(random, 1, points);
    say('settling', id, actual);
    await store.settle({ id, tiers: [tier], points: actual });
    say('settled', id);
  }
}

async function finish(): Promise<void> {
  await store.close();
  say('done');
  redis.disconnect();
  process.disconnect?.();
}
