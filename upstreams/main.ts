import { parseArgs } from 'node:util';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { isSeeded, seedDatabase } from '../seed/seed.ts';
import { createFaults, setFaultsFromJson } from './faults.ts';
import { migrate } from './migrate.ts';
import { createOutbox } from './outbox.ts';
import { startPostgres } from './postgres.ts';
import { startRetention } from './retention.ts';
import { createUpstreamServer } from './server.ts';
import { createStore, type Store } from './store.ts';

/** What the environment says. */
interface Settings {
  readonly host: string;
  readonly port: number;
  /** Absent: the embedded Postgres in `dataDir`. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly faultsJson: string | undefined;
}

/** A mistake of whoever started us: told in one line. */
class UsageError extends Error {}

const USAGE = 'usage: main.ts [serve] | main.ts seed [--scale N] [--seed S]';
const COMMANDS = { serve, seed } as const;

// What grpc-js would print of a taken port, we say in one line.
setLogVerbosity(logVerbosity.NONE);
const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (stopping.signal.aborted) process.exit(130);
    console.log('upstreams stopping');
    stopping.abort();
  });
}
try {
  await main(stopping.signal);
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(error instanceof UsageError ? error.message : error);
    process.exitCode = 1;
  }
}

async function main(signal: AbortSignal): Promise<void> {
  const { values, positionals } = readArguments();
  const [command = 'serve', ...rest] = positionals;
  if (!isCommand(command) || rest.length > 0) throw new UsageError(USAGE);
  const size = { scale: Number(values.scale ?? 1), seed: Number(values.seed ?? 1) };
  await COMMANDS[command](readSettings(), size, signal);
}

async function serve(settings: Settings, size: SeedArguments, signal: AbortSignal): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { url, store } = await openDatabase(settings, stack, signal);
  const faults = createFaults();
  if (settings.faultsJson) setFaults(faults, settings.faultsJson);
  if (!(await isSeeded(url))) await fill(url, size, signal);
  const outbox = createOutbox({ store });
  stack.defer(startRetention({ store, outbox, log: console.log }));
  const server = await listen(settings, { store, outbox, faults, log: console.error });
  stack.defer(() => server.close());
  console.log(`upstreams ready on ${settings.host}:${server.port}`);
  await untilAborted(signal);
}

async function seed(settings: Settings, size: SeedArguments, signal: AbortSignal): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { url } = await openDatabase(settings, stack, signal);
  await fill(url, size, signal);
}

interface SeedArguments {
  readonly scale: number;
  readonly seed: number;
}

/** A database that has the tables; `stack` closes what was opened for it. */
async function openDatabase(
  settings: Settings,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<{ url: string; store: Store }> {
  const url = settings.databaseUrl ?? (await startEmbedded(settings.dataDir, stack));
  signal.throwIfAborted();
  const store = createStore({ url, log: console.log });
  stack.defer(() => store.close());
  for (const name of await migrate(store, signal)) console.log(`applied ${name}`);
  return { url, store };
}

async function startEmbedded(dataDir: string, stack: AsyncDisposableStack): Promise<string> {
  const postgres = await startPostgres({ dataDir, log: console.log });
  stack.defer(() => postgres.stop());
  console.log(`postgres ready in ${dataDir}`);
  return postgres.url;
}

async function fill(url: string, size: SeedArguments, signal: AbortSignal): Promise<void> {
  console.log(`seeding at scale ${size.scale}`);
  const startMs = performance.now();
  await seedDatabase({
    url,
    ...size,
    signal,
    onProgress: ({ table, rows, tablesDone, tablesInAll }) =>
      console.log(`  ${tablesDone}/${tablesInAll} ${table}: ${rows.toLocaleString('en')} rows`),
  });
  console.log(`seeded in ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
}

async function listen(
  settings: Settings,
  deps: Omit<Parameters<typeof createUpstreamServer>[0], 'host' | 'port'>,
) {
  const { host, port } = settings;
  try {
    return await createUpstreamServer({ ...deps, host, port });
  } catch (error) {
    if (!String(error).includes('EADDRINUSE')) throw error;
    throw new UsageError(`Port ${port} of ${host} is taken: set UPSTREAM_PORT to a free one.`);
  }
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { scale: { type: 'string' }, seed: { type: 'string' } },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

function readSettings(): Settings {
  const { HOST = '127.0.0.1', UPSTREAM_PORT = '50051', WEIR_DATA_DIR = '.data' } = process.env;
  const port = /^\d{1,5}$/.test(UPSTREAM_PORT) ? Number(UPSTREAM_PORT) : Number.NaN;
  if (!(port <= 65_535))
    throw new UsageError(`UPSTREAM_PORT: expected 0 to 65535, got ${JSON.stringify(UPSTREAM_PORT)}.`);
  return {
    host: HOST,
    port,
    databaseUrl: process.env['DATABASE_URL'] || undefined,
    dataDir: WEIR_DATA_DIR,
    faultsJson: process.env['SHOP_FAULTS'] || undefined,
  };
}

function setFaults(faults: ReturnType<typeof createFaults>, json: string): void {
  try {
    setFaultsFromJson(faults, json);
  } catch (error) {
    throw new UsageError(`SHOP_FAULTS: ${error instanceof Error ? error.message : error}`);
  }
  console.log(`faults: ${json}`);
}

function isCommand(name: string): name is keyof typeof COMMANDS {
  return Object.hasOwn(COMMANDS, name);
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}
