import type { Tier } from '../src/guard/budget/budget-store.ts';
import { type CrowdOptions, runCrowd } from '../test/kit/budget/crowd.ts';
import { worstWindow } from '../test/kit/budget/history.ts';
import { startRedisServer } from '../test/kit/redis-server.ts';
import type { Figures, RunOptions, Scenario } from './harness/scenario.ts';

const processes = 8;
/** The part of a tier's limit that a chunk is at most: the default of the leased store. */
const chunkShare = 0.05;
const controlSeconds = 3;

type Kind = CrowdOptions['kind'];

/** How much of the time each crowd has, and what it spends. */
const crowds: readonly {
  readonly kind: Kind;
  readonly seconds: (all: number) => number;
  readonly maxPoints: number;
}[] = [
  { kind: 'exact', seconds: (all) => all, maxPoints: 200 },
  { kind: 'leased', seconds: (all) => all / 2, maxPoints: 20 },
  { kind: 'racy', seconds: () => controlSeconds, maxPoints: 200 },
];

/** Eight processes that spend one budget in one Redis at random. */
export const budget: Scenario = {
  description:
    'eight processes, one budget, one Redis, random load and kills: the worst of all windows against its bound',
  run: async (options) => {
    await using server = await startRedisServer();
    const rows: Figures[] = [];
    for (const { kind, seconds, maxPoints } of crowds) {
      options.signal.throwIfAborted();
      rows.push(await crowdRow(server.url, kind, seconds(options.seconds), maxPoints, options));
    }
    return rows;
  },
};

async function crowdRow(
  url: string,
  kind: Kind,
  seconds: number,
  maxPoints: number,
  { progress }: RunOptions,
): Promise<Figures> {
  const tier: Tier = {
    name: 'principal',
    key: `principal/${kind}`,
    // Of its own: each crowd names its reservations alike.
    slot: `tenant/${kind}`,
    limitPoints: 5_000,
    restorePerSecond: 2_000,
  };
  const kills = kind === 'racy' ? 0 : Math.max(1, Math.floor(seconds / 5));
  const { admitted, refusedCount, localCount, orphanCount } = await runCrowd({
    url,
    tier,
    kind,
    processes,
    seconds,
    kills,
    seed: 20_260_601,
    lanes: 4,
    maxPoints,
    maxHoldMs: 50,
    leaseMs: 3_600_000,
  });
  const { excessUs } = worstWindow(admitted);
  const boundPoints = tier.limitPoints * (kind === 'leased' ? 1 + processes * chunkShare : 1);
  const worstPoints = (excessUs * tier.restorePerSecond) / 1e6;
  progress(
    `${kind}: ${worstPoints} points in the worst window beyond what it restored, bound ${boundPoints}`,
  );
  return {
    name: kind,
    seconds,
    admitted: admitted.length,
    refused: refusedCount,
    withoutRoundTrip: localCount,
    killed: kills,
    neverSettled: orphanCount,
    worstPoints,
    boundPoints,
    isWithin: worstPoints <= boundPoints ? 'yes' : 'NO',
  };
}
