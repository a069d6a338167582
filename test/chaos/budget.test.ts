import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { costUs } from '../../src/guard/budget/bucket.ts';
import type { Tier } from '../../src/guard/budget/budget-store.ts';
import { type CrowdOptions, runCrowd } from '../kit/budget/crowd.ts';
import { worstWindow } from '../kit/budget/history.ts';
import { type RedisServer, startRedisServer } from '../kit/redis-server.ts';
import { printFigures } from './figures.ts';

const processes = 8;
/** Of the largest chunk: 5 % of the limit. */
const chunkShare = 0.05;

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
}, 120_000);

afterAll(() => server?.[Symbol.asyncDispose]());

async function measure(name: string, rest: Partial<CrowdOptions>) {
  const tier: Tier = {
    name: 'principal',
    key: `principal/${name}`,
    // Of its own: each crowd names its reservations alike.
    slot: `tenant/${name}`,
    limitPoints: 2_000,
    restorePerSecond: 1_000,
  };
  const options: CrowdOptions = {
    url: server.url,
    tier,
    kind: 'exact',
    processes,
    seconds: 2,
    kills: 0,
    seed: 20_260_401,
    lanes: 4,
    maxPoints: 150,
    maxHoldMs: 40,
    leaseMs: 600_000,
    ...rest,
  };
  const { admitted, ...counts } = await runCrowd(options);
  const { excessUs } = worstWindow(admitted);
  const excessPoints = (excessUs * tier.restorePerSecond) / 1e6;
  const figures = { admitted: admitted.length, ...counts, excessPoints, limitPoints: tier.limitPoints };
  printFigures(`budget, ${options.processes} processes, ${name}`, figures);
  return { tier, excessUs, ...figures };
}

describe('eight processes that spend one budget', () => {
  it('never admit more than rate x window + limit in any window, although two of them are killed', async () => {
    const { tier, admitted, refusedCount, orphanCount, excessUs } = await measure('exact', {
      kills: 2,
      maxHoldMs: 200,
    });
    expect(admitted).toBeGreaterThan(50);
    expect(refusedCount).toBeGreaterThan(50);
    expect(orphanCount).toBeGreaterThan(0);
    // To the microsecond: what was admitted and the limit are told in the same whole numbers.
    expect(excessUs).toBeLessThanOrEqual(costUs(tier, tier.limitPoints));
    // The load was heavy enough to be held back; what was reserved and not used takes its part of the limit.
    expect(excessUs).toBeGreaterThan(costUs(tier, tier.limitPoints / 2));
  });

  it('admit at most a chunk each beyond that when they lease', async () => {
    const { tier, admitted, localCount, excessUs } = await measure('leased', {
      kind: 'leased',
      maxPoints: 20,
    });
    expect(admitted).toBeGreaterThan(100);
    expect(localCount).toBeGreaterThan(0);
    const bound = tier.limitPoints * (1 + processes * chunkShare);
    expect(excessUs).toBeLessThanOrEqual(costUs(tier, bound));
  });

  it('are convicted when their store takes in two steps', async () => {
    const { tier, excessUs } = await measure('racy', { kind: 'racy', seconds: 0.7, processes: 4 });
    expect(excessUs).toBeGreaterThan(costUs(tier, tier.limitPoints));
  });
});
