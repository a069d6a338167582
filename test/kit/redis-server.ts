import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Cluster, Redis } from 'ioredis';
import { freePort, installRedis } from './redis.ts';

/** A Redis process that a test does harm to. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** It keeps its connections and answers nothing (SIGSTOP) until {@link resume}. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends it at once (SIGKILL) and resolves when it is gone, with all its data. */
  readonly kill: () => Promise<void>;
  /** Starts it again on its port, empty. */
  readonly start: () => Promise<void>;
}

/** Three masters that share the slots. */
export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisServer[];
  /** A client of the whole; the test ends it. */
  readonly connect: () => Cluster;
}

const clusterSlots = 16_384;

/** Starts a Redis with more `settings` than the usual; it ends with the test's scope. */
export async function startRedisServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<RedisServer> {
  await installRedis();
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'weir-redis-'));
  let process = await launch(port, folder, settings);
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pause: () => process.signal('SIGSTOP'),
    resume: () => process.signal('SIGCONT'),
    kill: () => process.kill(),
    start: async () => {
      process = await launch(port, folder, settings);
    },
    [Symbol.asyncDispose]: async () => {
      await process.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Starts three nodes and resolves when each of them knows who has which slots. */
export async function startRedisCluster(): Promise<RedisCluster> {
  await using stack = new AsyncDisposableStack();
  const nodes: RedisServer[] = [];
  const busPorts: number[] = [];
  for (let index = 0; index < 3; index += 1) {
    const busPort = await freePort();
    const settings = { 'cluster-enabled': 'yes', 'cluster-port': String(busPort) };
    nodes.push(stack.use(await startRedisServer(settings)));
    busPorts.push(busPort);
  }
  await introduce(nodes, busPorts);
  const owned = stack.move();
  return {
    nodes,
    connect: () =>
      new Cluster(
        nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
        { enableOfflineQueue: true },
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function introduce(nodes: readonly RedisServer[], busPorts: readonly number[]): Promise<void> {
  const clients = nodes.map(({ url }) => new Redis(url));
  try {
    const share = Math.ceil(clusterSlots / nodes.length);
    for (const [index, client] of clients.entries()) {
      const last = Math.min(clusterSlots, (index + 1) * share) - 1;
      await client.call('CLUSTER', 'ADDSLOTSRANGE', index * share, last);
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', nodes[index]?.port ?? 0, busPorts[index] ?? 0);
    }
    for (const client of clients) await isReady(client, nodes.length);
  } finally {
    for (const client of clients) client.disconnect();
  }
}

async function isReady(client: Redis, count: number): Promise<void> {
  for (;;) {
    const info = String(await client.call('CLUSTER', 'INFO'));
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function launch(port: number, folder: string, settings: Readonly<Record<string, string>>) {
  const all = { port: String(port), bind: '127.0.0.1', save: '', appendonly: 'no', dir: folder, ...settings };
  const flags = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      process.off('exit', end);
      resolve();
    });
  });
  const isUp = new Promise<true>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve(true);
    });
  });
  if (!(await Promise.race([isUp, ended]))) throw new Error(`redis-server did not start on port ${port}.`);
  return {
    signal: (name: NodeJS.Signals) => {
      child.kill(name);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
