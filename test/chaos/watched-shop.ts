import { setMaxListeners } from 'node:events';
import { systemClock } from '../../src/clock.ts';
import { signDevelopmentToken } from '../../src/identity/development-keys.ts';
import { createGateway, createLog } from '../../src/index.ts';
import { createFaults, type Faults } from '../../upstreams/faults.ts';
import { createOutbox } from '../../upstreams/outbox.ts';
import { createUpstreamServer } from '../../upstreams/server.ts';
import { createServices } from '../../upstreams/services.ts';
import { createStore, type Store } from '../../upstreams/store.ts';
import config from '../../weir.config.ts';
import { createTestDatabase } from '../kit/postgres.ts';
import { isOpen, type ServedCall, watchServices } from './watched-services.ts';

/** The reference BFF with a window into every part: what the services see, all that is logged, what is left running. */
export interface WatchedShop extends AsyncDisposable {
  readonly url: string;
  readonly adminUrl: string;
  readonly store: Store;
  readonly faults: Faults;
  /** Every RPC that the services received, in order. */
  readonly served: ServedCall[];
  /** Every line of the log as it would be written, the one of each operation among them. */
  readonly lines: string[];
  /** `Bearer ` and a token of the user `sub` with the space-separated scopes. */
  readonly bearerOf: (sub: string, scope?: string) => Promise<string>;
  /** What still runs anywhere behind the client; empty when nothing does. */
  readonly running: () => Promise<readonly string[]>;
  /** Opens every connection that the services may have to Postgres, those that cancel statements among them. */
  readonly openConnections: () => Promise<void>;
}

const maxConnections = 10;

/** Starts it on free ports, with a seeded database of its own. */
export async function startWatchedShop(): Promise<WatchedShop> {
  const database = await createTestDatabase('seeded');
  const store = createStore({ url: database.url, maxConnections });
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const faults = createFaults();
  const served: ServedCall[] = [];
  const lines: string[] = [];
  const deps = { store, outbox: createOutbox({ store }), faults, closing: closing.signal };
  const services = watchServices(createServices(deps), served);
  const upstreams = await createUpstreamServer({ ...deps, services, port: 0 });
  const gateway = createGateway(config, {
    environment: { PORT: '0', ADMIN_PORT: '0', WEIR_BUDGET_MODE: 'off', ...targets(upstreams.port) },
    log: createLog('info', { write: (line: string) => void lines.push(line) }),
  });
  const { url, adminUrl } = await gateway.start();
  return {
    url,
    adminUrl,
    store,
    faults,
    served,
    lines,
    bearerOf,
    running: async () => [
      ...served.filter(isOpen).map(({ method }) => `the service works on ${method}`),
      ...(await callsInFlight(adminUrl)),
      ...(await statements(store)),
    ],
    openConnections: () => openConnections(store),
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      closing.abort();
      await upstreams.close();
      await store.close();
      await database.drop();
    },
  };
}

/** Statements at one time for all the connections there may be, then cancelled at one time: that opens those of the cancelling. */
async function openConnections(store: Store): Promise<void> {
  const cancel = new AbortController();
  setMaxListeners(0, cancel.signal);
  const connected = Promise.withResolvers<void>();
  let count = 0;
  const sleeping = Array.from({ length: maxConnections }, () =>
    store.transaction(async (tx) => {
      count += 1;
      if (count === maxConnections) connected.resolve();
      await connected.promise;
      await tx.query('SELECT pg_sleep(0.1)', [], cancel.signal);
    }),
  );
  await connected.promise;
  setImmediate(() => cancel.abort());
  await Promise.allSettled(sleeping);
}

async function bearerOf(sub: string, scope = ''): Promise<string> {
  const token = { sub, issuer: 'weir-development', audience: 'weir' };
  return `Bearer ${await signDevelopmentToken(scope === '' ? token : { ...token, scope }, systemClock)}`;
}

function targets(port: number): Record<string, string> {
  const names = Object.keys(config.upstreams);
  return Object.fromEntries(
    names.map((name) => [`WEIR_UPSTREAM_${name.toUpperCase()}`, `127.0.0.1:${port}`]),
  );
}

const callGauge = /^weir_upstream_(?:calls_in_flight|calls_waiting|live_streams)\{.*\} [^0].*$/gm;

/** The gauges of calls that are above zero, as an operator sees them. */
async function callsInFlight(adminUrl: string): Promise<readonly string[]> {
  const response = await fetch(`${adminUrl}/metrics`);
  const text = await response.text();
  if (!text.includes('weir_upstream_calls_in_flight')) throw new Error(`No gauges of calls in:\n${text}`);
  return text.match(callGauge) ?? [];
}

/** What Postgres does for us besides answering this. */
async function statements(store: Store): Promise<readonly string[]> {
  const rows = await store.query<{ state: string; query: string }>(
    `SELECT state, query FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'`,
  );
  return rows.map(({ state, query }) => `Postgres is ${state} with ${query.slice(0, 80)}`);
}
