import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createRandom, intBetween, pickOne, type Random } from '../../seed/random.ts';
import { createLog } from '../../src/observe/log.ts';
import type { Broker, BrokerEvent, Gap, Position, SubscriptionStart } from '../../src/realtime/broker.ts';
import { createRedisBroker } from '../../src/realtime/redis-broker.ts';
import { type Topic, topicFromOptions } from '../../src/realtime/topic.ts';
import type { BrokerOptions } from '../../src/realtime/topic-broker.ts';
import { type RedisServer, startRedisServer } from '../kit/redis-server.ts';
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts';
import { Ledger } from './broker-ledger.ts';

/** What one run does. */
export interface RunOptions {
  readonly seed: number;
  /** How long faults go on. */
  readonly durationMs: number;
  /** For every instance. */
  readonly broker?: Partial<BrokerOptions>;
}

/** What a run came to. */
export interface RunReport {
  /** Of listeners that stay, and of those that leave and resume at any instance. */
  readonly ledgers: readonly Ledger[];
  readonly published: number;
  readonly resumed: number;
  /** How often each fault was done. */
  readonly faults: Readonly<Record<string, number>>;
}

const instances = 3;
const topicCount = 3;

/** What harm is done; those that lose data are in the second table. */
type Fault = (world: World) => Promise<void>;
const faults: Readonly<Record<string, Fault>> = {
  killSubscribers: ({ control }) => kill(control, 'pubsub'),
  killPublishers: ({ control }) => kill(control, 'normal'),
  cutInstance: async ({ proxies, random }) => pickOne(random, proxies).reset(),
  pause: async ({ server, random }) => {
    server.pause();
    await delay(50 + 700 * random());
    server.resume();
  },
};
const lossyFaults: Readonly<Record<string, Fault>> = {
  flush: async ({ control }) => {
    await control.flushall();
  },
  restart: async ({ server, random }) => {
    await server.kill();
    await delay(100 * random());
    await server.start();
  },
};

/** Faults that lose data, and so cause gaps. */
export const lossyFaultNames: readonly string[] = Object.keys(lossyFaults);

interface World {
  readonly server: RedisServer;
  readonly control: Redis;
  readonly proxies: readonly TcpProxy[];
  readonly brokers: readonly Broker[];
  readonly topics: readonly Topic[];
  readonly random: Random;
  isOver: boolean;
}

/** Three instances, three topics, publishers at all instances, and faults until the time is up; then all must arrive. */
export async function runBrokers(options: RunOptions): Promise<RunReport> {
  await using stack = new AsyncDisposableStack();
  const world = await createWorld(options, stack);
  const { brokers, topics } = world;
  const staying: Ledger[] = [];
  for (const broker of brokers) {
    for (const topic of topics) staying.push(await stay(broker, topic));
  }
  const last = topics.map(() => 0);
  const publishing = topics.map((topic, index) => publish(world, topic, last, index));
  const wandering = topics.map((topic) => wander(world, topic));
  const counts = await doHarm(world, options.durationMs);
  world.isOver = true;
  await Promise.all(publishing);
  const wanderers = await Promise.all(wandering);
  // One more, that everybody has to get: what is missing before it shows.
  for (const [index, topic] of topics.entries()) await publishSurely(world, topic, (last[index] ?? 0) + 1);
  for (const [index, ledger] of staying.entries()) {
    while (ledger.last <= (last[index % topicCount] ?? 0)) await delay(5);
  }
  return {
    ledgers: [...staying, ...wanderers.map(({ ledger }) => ledger)],
    published: last.reduce((sum, number) => sum + number + 1, 0),
    resumed: wanderers.reduce((sum, { resumed }) => sum + resumed, 0),
    faults: counts,
  };
}

async function createWorld({ seed, broker }: RunOptions, stack: AsyncDisposableStack): Promise<World> {
  const server = stack.use(await startRedisServer());
  const control = stack.adopt(new Redis(server.url), (client) => client.disconnect());
  control.on('error', () => {}); // it is away while the server restarts
  const proxies: TcpProxy[] = [];
  const brokers: Broker[] = [];
  for (let index = 0; index < instances; index += 1) {
    const proxy = stack.use(await startTcpProxy(server.port));
    const redis = { urls: [`redis://127.0.0.1:${proxy.port}`], commandTimeoutMs: 500 };
    const opened = createRedisBroker({ log: createLog('silent'), redis, ...broker });
    proxies.push(proxy);
    brokers.push(stack.adopt(opened, (one) => one.close()));
  }
  const topics = Array.from({ length: topicCount }, (_, index) =>
    topicFromOptions({
      key: `ledger:${index}`,
      mode: 'log',
      history: { maxEvents: 50_000, maxBytes: 1 << 24 },
    }),
  );
  return { server, control, proxies, brokers, topics, random: createRandom(seed, 'user', 0), isOver: false };
}

async function stay(broker: Broker, topic: Topic): Promise<Ledger> {
  const ledger = new Ledger();
  await broker.subscribe(topic, { signal: new AbortController().signal, ...listenerOf(ledger) });
  return ledger;
}

/** Subscribes, leaves after some events, and comes back with its last position at any instance, again and again. */
async function wander(world: World, topic: Topic): Promise<{ ledger: Ledger; resumed: number }> {
  const ledger = new Ledger();
  let after: Position | undefined;
  let resumed = 0;
  while (!world.isOver) {
    const leaving = new AbortController();
    const quota = intBetween(world.random, 1, 400);
    const { promise: isFull, resolve } = Promise.withResolvers<void>();
    let count = 0;
    const listener = listenerOf(ledger, (position) => {
      after = position ?? after;
      count += 1;
      if (count < quota) return;
      leaving.abort();
      resolve();
    });
    const broker = pickOne(world.random, world.brokers);
    const joined = await broker.subscribe(topic, { after, signal: leaving.signal, ...listener }).then(
      () => true,
      () => leaving.signal.aborted,
    );
    if (joined && after !== undefined) resumed += 1;
    await (joined ? Promise.race([isFull, delay(500)]) : delay(20));
    leaving.abort();
  }
  return { ledger, resumed };
}

function listenerOf(ledger: Ledger, onPosition: (position: Position | null) => void = () => {}) {
  return {
    onLive: ({ recovered, position }: SubscriptionStart) => {
      if (!recovered) ledger.gap();
      if (!recovered) onPosition(position);
    },
    onEvent: ({ position, payload }: BrokerEvent) => {
      ledger.event(Number(Buffer.from(payload).toString()));
      onPosition(position);
    },
    onGap: ({ position }: Gap) => {
      ledger.gap();
      onPosition(position);
    },
    onEnd: () => {},
  };
}

/** Numbers one after the other, each from any instance. */
async function publish(world: World, topic: Topic, last: number[], index: number): Promise<void> {
  for (let number = 1; !world.isOver; number += 1) {
    await publishSurely(world, topic, number);
    last[index] = number;
    if (number % 20 === 0) await delay(1);
  }
}

/** The sequence makes it one event, however often and from wherever it is tried. */
async function publishSurely({ brokers, random }: World, topic: Topic, number: number): Promise<void> {
  for (;;) {
    try {
      await pickOne(random, brokers).publish(topic, String(number), { sequence: number });
      return;
    } catch {
      await delay(5);
    }
  }
}

async function doHarm(world: World, durationMs: number): Promise<Record<string, number>> {
  const table = { ...faults, ...lossyFaults };
  const counts = Object.fromEntries(Object.keys(table).map((name) => [name, 0]));
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs) {
    await delay(intBetween(world.random, 20, 250));
    // Most do not lose data: what is whole between two losses is what is looked at.
    const from = world.random() < 0.85 ? faults : lossyFaults;
    const [name, harm] = pickOne(world.random, Object.entries(from));
    await harm(world);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

async function kill(control: Redis, type: string): Promise<void> {
  await control.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
}
