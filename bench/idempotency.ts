import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { seedDatabase } from '../seed/seed.ts';
import { startGateProxy } from '../test/kit/gate-proxy.ts';
import { startGatewayProcess } from '../test/kit/gateway-process.ts';
import {
  type CrashParts,
  crash,
  crashPoints,
  retryTimes,
  startVictim,
} from '../test/kit/idempotency/crash.ts';
import { openHistoryParts, redisFaults, runHistory } from '../test/kit/idempotency/histories.ts';
import { runStorm } from '../test/kit/idempotency/storm.ts';
import { createSubmitter } from '../test/kit/idempotency/submitter.ts';
import { startRedisServer } from '../test/kit/redis-server.ts';
import { startShop } from '../test/kit/shop.ts';
import { migrate } from '../upstreams/migrate.ts';
import { startPostgres } from '../upstreams/postgres.ts';
import { createStore } from '../upstreams/store.ts';
import type { Figures, RunOptions, Scenario } from './harness/scenario.ts';

/** Most of each: what the issue asks for. Less when the time is over. */
const maxCrashes = 50;
const maxHistories = 500;
const maxStorms = 50;

/** The first history; those behind it count on. Later ones are other histories. */
const firstSeed = Number(process.env['WEIR_CHAOS_SEED'] ?? 1);

/** Shares of the time. */
const shares = { crashes: 0.45, histories: 0.45, storms: 0.1 };

/** One key's outcome. */
interface Outcome {
  readonly effects: number;
  readonly successes: readonly string[];
}

type World = CrashParts & {
  readonly redisUrl: string;
  readonly redisPort: number;
  readonly stack: AsyncDisposableStack;
};

/** Mutations with keys under everything that may go wrong between a client and its effect. */
export const idempotency: Scenario = {
  description:
    'keyed mutations while gateways are killed, Redis fails, and 200 ask at once: effects and answers for each key',
  defaultSeconds: 600,
  run: async (options) => {
    await using stack = new AsyncDisposableStack();
    const world = await openWorld(stack);
    return [
      ...(await crashes(world, options)),
      ...(await histories(world, options)),
      await storms(world, options),
    ];
  },
};

/** The shop on a Postgres of its own, with gates before Redis and before its services. */
async function openWorld(stack: AsyncDisposableStack): Promise<World> {
  const dataDir = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  const postgres = stack.adopt(await startPostgres({ dataDir, persistent: false }), (server) =>
    server.stop(),
  );
  const store = createStore({ url: postgres.url });
  await migrate(store);
  await store.close();
  await seedDatabase({ url: postgres.url });
  const server = stack.use(await startRedisServer());
  const redis = stack.adopt(new Redis(server.url), (client) => client.disconnect());
  const shop = stack.adopt(
    await startShop({
      environment: { REDIS_URL: server.url },
      database: { url: postgres.url, drop: async () => {} },
    }),
    (running) => running.close(),
  );
  const redisGate = stack.use(await startGateProxy(server.port));
  const upstreamGate = stack.use(await startGateProxy(shop.upstreamPort));
  const submitter = await createSubmitter(shop);
  await submitter.insist(shop.url, `warm-${randomUUID()}`);
  const facts = { redisUrl: server.url, redisPort: server.port, stack };
  return { shop, submitter, redis, redisGate, upstreamGate, ...facts };
}

async function crashes(world: World, { seconds, signal, progress }: RunOptions): Promise<Figures[]> {
  const cells = Object.keys(crashPoints).flatMap((point) =>
    Object.values(retryTimes).map((retryMs) => ({ point, retryMs })),
  );
  const outcomes = new Map<string, Outcome[]>();
  const isOver = clockOf(seconds * shares.crashes, signal);
  for (let round = 0; round < maxCrashes && !isOver(); round += 1) {
    for (const cell of cells) {
      if (isOver()) break;
      const outcome = await crash(world, await startVictim(world), cell);
      outcomes.set(cell.point, [...(outcomes.get(cell.point) ?? []), outcome]);
    }
    progress(`gateways killed: round ${round + 1} of ${maxCrashes}`);
  }
  return [...outcomes].map(([point, all]) => rowOf(`killed ${point}`, all));
}

async function histories(world: World, { seconds, signal, progress }: RunOptions): Promise<Figures[]> {
  const parts = world.stack.use(await openHistoryParts(world));
  const outcomes = new Map<string, Outcome[]>();
  const isOver = clockOf(seconds * shares.histories, signal);
  for (let round = 0; round < maxHistories && !isOver(); round += 1) {
    const seed = firstSeed + round;
    for (const fault of Object.keys(redisFaults)) {
      if (isOver()) break;
      const { hasStruck, ...outcome } = await runHistory(parts, { fault, seed });
      // A fault that found nothing to strike says nothing.
      if (hasStruck) outcomes.set(fault, [...(outcomes.get(fault) ?? []), outcome]);
    }
    await world.redis.flushall();
    if (round % 10 === 9) progress(`histories of each fault of Redis: ${round + 1}, up to seed ${seed}`);
  }
  return [...outcomes].map(([fault, all]) => rowOf(`Redis ${fault}`, all));
}

async function storms(world: World, { seconds, signal }: RunOptions): Promise<Figures> {
  const urls: string[] = [];
  for (let index = 0; index < 4; index += 1) {
    const environment = { ...world.shop.environment, REDIS_URL: world.redisUrl };
    urls.push(world.stack.adopt(await startGatewayProcess(environment), (gateway) => gateway.kill()).url);
  }
  const all: Outcome[] = [];
  const isOver = clockOf(seconds * shares.storms, signal);
  while (all.length < maxStorms && !isOver()) all.push(await runStorm(world.submitter, urls, 200));
  return rowOf('200 at once', all);
}

function rowOf(name: string, outcomes: readonly Outcome[]): Figures {
  return {
    name,
    keys: outcomes.length,
    mostEffects: Math.max(...outcomes.map(({ effects }) => effects)),
    mostAnswers: Math.max(...outcomes.map(({ successes }) => successes.length)),
    withoutEffect: outcomes.filter(({ effects }) => effects === 0).length,
  };
}

/** Says when so many seconds are over; throws when the run is stopped. */
function clockOf(seconds: number, signal: AbortSignal): () => boolean {
  const untilMs = performance.now() + seconds * 1000;
  return () => {
    signal.throwIfAborted();
    return performance.now() > untilMs;
  };
}
