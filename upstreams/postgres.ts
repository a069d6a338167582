import type { ChildProcess } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Cluster, openCluster } from './cluster.ts';

export interface PostgresOptions {
  /** Where the cluster is, or will be made. One process owns it; others that start on it share its server. */
  readonly dataDir: string;
  /** A free one when absent. */
  readonly port?: number;
  /** Keep the data after stop (true). False trades durability for speed, and removes `dataDir` on stop. */
  readonly persistent?: boolean;
  readonly log?: (line: string) => void;
}

export interface Postgres {
  readonly url: string;
  /** Ends the server, unless it was running before us. Idempotent. */
  stop(): Promise<void>;
}

const START_ATTEMPTS = 5;
/** How long a server that is ending, or starting, may take before we give up on its data directory. */
const SETTLE_MS = 20_000;
const STOP_MS = 20_000;
const OUTPUT_CHARACTERS = 4_000;
const READY = 'database system is ready to accept connections';

/** Memory that a laptop has; no JIT, whose compilation takes longer than our statements. */
const FLAGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  random_page_cost: '1.1',
  jit: 'off',
  log_min_messages: 'warning',
};
const VOLATILE_FLAGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** Starts the embedded Postgres 18, with an own user and password, on the loopback address. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { dataDir, persistent = true, log = () => {} } = options;
  const cluster = await openCluster(dataDir);
  let failure: unknown;
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    const sharedPort = await settle(cluster);
    if (sharedPort) {
      log(`postgres: sharing the server that runs on ${cluster.directory}`);
      return { url: urlOf(cluster, sharedPort), stop: async () => {} };
    }
    const port = options.port ?? (await freePort());
    try {
      const child = await launch(cluster, port, persistent, log);
      return { url: urlOf(cluster, port), stop: stopOnce(child, persistent ? undefined : resolve(dataDir)) };
    } catch (error) {
      // Somebody took the port, or the directory, between our look and our start.
      failure = error;
      if (options.port !== undefined) break;
    }
  }
  throw failure;
}

function urlOf({ password }: Cluster, port: number): string {
  return `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
}

/** Waits until the cluster is free, or answers the port of the server that runs on it. */
async function settle(cluster: Cluster): Promise<number | undefined> {
  const pidFile = join(cluster.directory, 'postmaster.pid');
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    const [pidLine, , , portLine] = (await readFile(pidFile, 'utf8').catch(() => '')).split('\n');
    const pid = Number(pidLine);
    if (!pid) return undefined;
    if (!(await isServerOf(cluster, pid))) {
      // Left by a server that was killed; its number may belong to another program now.
      await rm(pidFile, { force: true });
      return undefined;
    }
    const port = Number(portLine);
    if (port && (await answers(urlOf(cluster, port)))) return port;
    if (performance.now() > until) {
      throw new Error(`${cluster.directory} is in use by process ${pid}: end it, or set WEIR_DATA_DIR.`);
    }
    await sleep(100);
  }
}

/** Whether a process is the server of this cluster, as far as can be told. */
async function isServerOf(cluster: Cluster, pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  // Where there is no /proc, a process of that number counts as the server.
  return command === undefined || command.split('\0').includes(cluster.directory);
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve: done, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(0, '127.0.0.1', done);
  await promise;
  const address = server.address();
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  if (address === null || typeof address === 'string') throw new Error('The loopback address gave no port.');
  return address.port;
}

async function launch(
  cluster: Cluster,
  port: number,
  persistent: boolean,
  log: (line: string) => void,
): Promise<ChildProcess> {
  const settings = { ...FLAGS, ...(persistent ? {} : VOLATILE_FLAGS), port: String(port) };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = cluster.run('postgres', ['-D', cluster.directory, ...flags]);
  const { promise: ready, resolve: start, reject } = Promise.withResolvers<void>();
  let output = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-OUTPUT_CHARACTERS);
    if (output.includes(READY)) start();
    if (/FATAL|PANIC/.test(text)) log(`postgres: ${text.trim()}`);
  });
  child.once('error', reject);
  child.once('exit', (code) =>
    reject(new Error(`Postgres did not start (exit code ${code}): ${output.trim()}`)),
  );
  await ready;
  return child;
}

function stopOnce(child: ChildProcess, remove: string | undefined): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  return () => {
    stopping ??= stopServer(child, remove);
    return stopping;
  };
}

/** Closing stdin is the supervisor's word for a fast shutdown: transactions are rolled back, data is flushed. */
async function stopServer(child: ChildProcess, remove: string | undefined): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const { promise: ended, resolve: end, reject } = Promise.withResolvers<void>();
    child.once('exit', () => end());
    const timer = setTimeout(() => reject(new Error(`Postgres did not stop within ${STOP_MS} ms.`)), STOP_MS);
    // From here on Postgres tells only of the connections that it ends.
    child.stderr?.removeAllListeners('data').resume();
    child.stdin?.end();
    await ended.finally(() => clearTimeout(timer));
  }
  if (remove) await rm(remove, { recursive: true, force: true });
}
