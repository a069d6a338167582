import { mostBeyond } from '../test/kit/most-beyond.ts';
import { startRedisServer } from '../test/kit/redis-server.ts';
import { runHerd } from './harness/herd-run.ts';
import type { Figures, Scenario } from './harness/scenario.ts';

/** Of each of four kinds. */
const clients = 250;
const eventsPerSecond = 5;
/** The second is as good as none. */
const rates = [100, 1_000_000] as const;

/** An instance is killed, and all its clients come to another one. */
export const herd: Scenario = {
  description:
    'an instance is killed, and 1,000 unmodified clients come to another one, with a rate and without',
  run: async ({ progress }) => {
    const rows: Figures[] = [];
    for (const maxConnectsPerSecond of rates) {
      await using redis = await startRedisServer();
      const run = { redisUrl: redis.url, clients, maxConnectsPerSecond, eventsPerSecond, progress };
      const { inMs, ...counts } = await runHerd(run);
      const at = (share: number) => Math.round(inMs[Math.ceil(share * inMs.length) - 1] ?? Number.NaN);
      rows.push({
        name: `weir-${maxConnectsPerSecond}`,
        maxConnectsPerSecond,
        mostBeyondRate: Math.round(mostBeyond(inMs, maxConnectsPerSecond)),
        mostIn100ms: mostWithin(inMs, 100),
        halfInMs: at(0.5),
        allInMs: at(1),
        ...counts,
      });
    }
    return rows;
  },
};

function mostWithin(momentsMs: readonly number[], windowMs: number): number {
  let from = 0;
  let most = 0;
  for (const [to, atMs] of momentsMs.entries()) {
    while (atMs - (momentsMs[from] ?? atMs) >= windowMs) from += 1;
    most = Math.max(most, to - from + 1);
  }
  return most;
}
