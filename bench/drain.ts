import { startRedisServer } from '../test/kit/redis-server.ts';
import { peakToMean, runDrain } from './harness/drain-run.ts';
import type { Scenario } from './harness/scenario.ts';

const connections = 1000;
const windowMs = 10_000;
const eventsPerSecond = 5;

/** An instance with 2,000 connections stops while events are published. */
export const drain: Scenario = {
  description:
    'an instance stops with 1,000 WebSockets and 1,000 event streams: how they come to another one',
  run: async ({ progress }) => {
    await using redis = await startRedisServer();
    const outcome = await runDrain({
      redisUrl: redis.url,
      connections,
      windowMs,
      eventsPerSecond,
      progress,
    });
    const { published, ledger, exit, tookMs, reconnectsMs, closeCodes, completed } = outcome;
    return [
      {
        name: 'weir',
        connections: reconnectsMs.length,
        windowMs,
        peakToMeanOf1s: peakToMean(reconnectsMs, windowMs, 1000),
        peakToMeanOf100ms: peakToMean(reconnectsMs, windowMs, 100),
        lastMs: Math.round(reconnectsMs.at(-1) ?? 0),
        endedAfterMs: Math.round(tookMs),
        exit,
        closeCodes: JSON.stringify(closeCodes),
        toldComplete: completed,
        published,
        received: ledger.count,
        lost: ledger.lost,
        repeated: ledger.repeated,
        gaps: ledger.gaps,
      },
    ];
  },
};
