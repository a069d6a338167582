import { expect, it } from 'vitest';
import { peakToMean, runDrain } from '../../bench/harness/drain-run.ts';
import { startRedisServer } from '../kit/redis-server.ts';
import { printFigures } from './figures.ts';

const connections = 100;
const windowMs = 2000;

it('an instance that stops sends its clients to another one over its window, and no event is lost', async () => {
  await using redis = await startRedisServer();
  const outcome = await runDrain({ redisUrl: redis.url, connections, windowMs, eventsPerSecond: 20 });
  const { published, ledger, exit, tookMs, reconnectsMs, closeCodes, completed } = outcome;
  const peak = peakToMean(reconnectsMs, windowMs, 500);
  printFigures('a drain', {
    published,
    received: ledger.count,
    tookMs: Math.round(tookMs),
    peakToMean: peak,
  });
  expect(ledger).toEqual({ count: published * 2 * connections, lost: 0, repeated: 0, gaps: 0 });
  expect({ exit, closeCodes, completed }).toEqual({
    exit: 0,
    closeCodes: { 1012: connections },
    completed: 0,
  });
  // Spread, and neither at once nor at the end: half of them within the middle of the window, on a busy machine too.
  const median = reconnectsMs[connections] ?? 0;
  expect(median).toBeGreaterThan(windowMs / 4);
  expect(median).toBeLessThan((windowMs * 3) / 4 + 500);
  expect(peak).toBeLessThan(3);
});

it('peakToMean() tells clients that all come at once', () => {
  expect(peakToMean([0, 500, 1000, 1500], 2000, 500)).toBe(1);
  expect(peakToMean([10, 11, 12, 13], 2000, 500)).toBe(4);
});
