import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/guard/budget/memory-store.ts';
import { peekScript, reserveScript, settleScript } from '../../../src/guard/budget/redis-scripts.ts';
import { createFakeClock } from '../../kit/fake-clock.ts';
import { type RedisServer, startRedisServer } from '../../kit/redis-server.ts';
import { requestOf, tierOf } from './tiers.ts';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis(server.url);
}, 120_000);

afterAll(async () => {
  redis?.disconnect();
  await server?.[Symbol.asyncDispose]();
});

/** The script with the time as its last argument, in microseconds, and keys that outlive the test's slower time. */
function withTime(script: string): string {
  const timed = script
    .replace("redis.call('TIME')", "{ '0', ARGV[#ARGV] }")
    .replace('math.ceil(bucket.debt / 1000)', '600000');
  if (timed.includes("'TIME'") || !timed.includes('600000')) throw new Error('The scripts have changed.');
  return timed;
}

const costUs = 10_000; // of a point, at 100 a second
const step = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4_000 })),
  points: fc.integer({ min: 1, max: 700 }),
  /** Settles one of those that are open, by its place; above their number it reserves. */
  settles: fc.nat(20),
  actual: fc.integer({ min: 0, max: 900 }),
});

it('the scripts keep the same books as the store in memory, whatever happens', async () => {
  const [reserve, settle, peek] = [reserveScript, settleScript, peekScript].map(withTime);
  const run = (script = '', ...args: (string | number)[]) => redis.eval(script, ...(args as [number])); // as: the key count comes first
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 80 }), async (steps) => {
      const clock = createFakeClock();
      clock.advance(1_000);
      const store = createMemoryStore({ clock });
      const tier = tierOf({ limitPoints: 2_000, restorePerSecond: 100 });
      const limitUs = tier.limitPoints * costUs;
      const key = `{x}:${tier.key}`;
      const open: ReturnType<typeof requestOf>[] = [];
      for (const { afterMs, points, settles, actual } of steps) {
        clock.advance(afterMs);
        const nowUs = clock.nowMs() * 1000;
        const settled = open[settles];
        if (settled) {
          open.splice(settles, 1);
          store.settle({ ...settled, points: actual });
          await run(settle, 2, `{x}:${settled.id}`, key, actual * costUs, limitUs, nowUs);
        } else {
          const request = requestOf([tier], points, { leaseMs: 600_000 });
          const answer = store.reserve(request);
          const reply = await run(
            reserve,
            2,
            `{x}:${request.id}`,
            key,
            600_000,
            points * costUs,
            limitUs,
            nowUs,
          );
          const [isAdmitted, , waitUs = 0] = reply as number[]; // as: redis-store.ts checks it
          expect(isAdmitted === 1 ? 'admitted' : Math.ceil(waitUs / 1000)).toBe(
            answer.kind === 'wait' ? answer.waitMs : answer.kind,
          );
          if (answer.kind === 'admitted') open.push(request);
        }
        const [debtUs = 0] = (await run(peek, 1, key, limitUs, nowUs)) as number[]; // as: redis-store.ts checks it
        expect(Math.ceil(debtUs / 1000)).toBe(store.peek([tier])[0]?.fullAfterMs);
      }
    }),
    { numRuns: 150 },
  );
}, 60_000);
