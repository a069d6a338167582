import { describe, expect, it } from 'vitest';
import { runHerd } from '../../bench/harness/herd-run.ts';
import { mostBeyond } from '../kit/most-beyond.ts';
import { startRedisServer } from '../kit/redis-server.ts';
import { printFigures } from './figures.ts';

/** Of each of four kinds: graphql-ws, graphql-sse in both modes, EventSource. */
const clients = 25;
const maxConnectsPerSecond = 15;
/** Connections that a busy machine tells of later than they were let in, in seconds. */
const lateSeconds = 0.5;
const mostAllowed = maxConnectsPerSecond * (1 + lateSeconds);

async function herdAt(rate: number) {
  await using redis = await startRedisServer();
  const run = { redisUrl: redis.url, clients, maxConnectsPerSecond: rate, eventsPerSecond: 10 };
  const { inMs, ...counts } = await runHerd(run);
  const figures = {
    ...counts,
    allInMs: Math.round(inMs.at(-1) ?? 0),
    beyond: mostBeyond(inMs, maxConnectsPerSecond),
  };
  printFigures(`a herd at ${rate} a second`, figures);
  return figures;
}

describe('the clients of an instance that is killed', () => {
  it('all come to another one by themselves, never faster than it takes them, and lose nothing', async () => {
    const { beyond, gaveUp, refused, lost, repeated, allInMs } = await herdAt(maxConnectsPerSecond);
    expect({ gaveUp, lost, repeated }).toEqual({ gaveUp: 0, lost: 0, repeated: 0 });
    expect(refused).toBeGreaterThan(0);
    expect(beyond).toBeLessThanOrEqual(mostAllowed);
    // What they try for: see docs/realtime.md.
    expect(allInMs).toBeLessThan(46_000);
  }, 90_000);

  it('come faster than that where there is no rate', async () => {
    const { beyond, gaveUp, refused } = await herdAt(1_000_000);
    expect({ gaveUp, refused }).toEqual({ gaveUp: 0, refused: 0 });
    expect(beyond).toBeGreaterThan(mostAllowed);
  }, 90_000);
});
