import { randomUUID } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import { systemClock } from '../../src/clock.ts';
import { signDevelopmentToken } from '../../src/identity/development-keys.ts';
import { createGateway, type Gateway, type Log, type WeirConfig } from '../../src/index.ts';
import { createFaults, type Faults } from '../../upstreams/faults.ts';
import { createOutbox } from '../../upstreams/outbox.ts';
import { createUpstreamServer } from '../../upstreams/server.ts';
import { createStore, type Store } from '../../upstreams/store.ts';
import config from '../../weir.config.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';

/** The whole reference BFF for one test file: its own seeded database, the five services, the gateway. */
export interface Shop {
  /** Address of the graph. */
  readonly url: string;
  readonly databaseUrl: string;
  readonly upstreamPort: number;
  readonly store: Store;
  readonly faults: Faults;
  /** Short names (`CatalogService/ListProducts`) of the RPCs that the services have received, in order. */
  readonly calls: string[];
  /** Lines that the gateway logged: message and members. */
  readonly logged: Record<string, unknown>[];
  /** A token of the user `sub` with the space-separated scopes. */
  readonly tokenOf: (sub: string, scope?: string) => Promise<string>;
  /**
   * Sends one operation over HTTP, as an operator who may read everything unless `headers` say otherwise; null leaves a
   * header out, so `{ authorization: null }` asks as nobody. A mutation that says nothing of an idempotency key has a new
   * one in the header.
   */
  readonly ask: <Data = Record<string, unknown>>(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Readonly<Record<string, string | null>>,
  ) => Promise<ExecutionResult<Data>>;
  /** As `ask`, as the user `sub` with the space-separated scopes. */
  readonly askAs: <Data = Record<string, unknown>>(
    caller: Caller,
    query: string,
    variables?: Record<string, unknown>,
  ) => Promise<ExecutionResult<Data>>;
  /** Another gateway on the same services, with environment variables of its own besides those of the shop; closed with the shop. */
  readonly addGateway: (environment?: Readonly<Record<string, string>>) => Promise<SecondGateway>;
  /** Environment variables of a gateway on these services. */
  readonly environment: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

/** Another gateway of a shop. */
export interface SecondGateway {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Who asks; null is somebody without a token. */
export type Caller = string | { readonly sub: string; readonly scope: string } | null;

/** What a test changes of the shop. */
export interface ShopOptions {
  /** Environment variables of the gateway. Budgets are off unless they say otherwise. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Bounds in place of those of weir.config.ts. */
  readonly limits?: NonNullable<WeirConfig['limits']>;
  /** Other sections in place of those of weir.config.ts. */
  readonly config?: Partial<WeirConfig>;
  /** What callers may spend in place of the engine's defaults. */
  readonly policy?: NonNullable<WeirConfig['policy']>;
  /** A seeded database that is dropped with the shop. Default: one of the test run's Postgres. */
  readonly database?: TestDatabase;
}

/** Starts a shop on free ports; close it in afterAll. */
export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const { environment = {}, limits = {}, policy, config: changed } = options;
  const database = options.database ?? (await createTestDatabase('seeded'));
  const store = createStore({ url: database.url });
  const outbox = createOutbox({ store });
  const faults = createFaults();
  const calls: string[] = [];
  const counted: Faults = {
    ...faults,
    take: (path) => {
      calls.push(path.slice(path.lastIndexOf('.') + 1));
      return faults.take(path);
    },
  };
  const upstreams = await createUpstreamServer({ store, outbox, faults: counted, port: 0 });
  const logged: Record<string, unknown>[] = [];
  const configured: WeirConfig = config;
  const own = {
    ...configured,
    ...changed,
    limits: { ...configured.limits, ...limits },
    ...(policy && { policy }),
  };
  const all = {
    PORT: '0',
    ADMIN_PORT: '0',
    WEIR_BUDGET_MODE: 'off',
    ...targets(upstreams.port),
    ...environment,
  };
  const gateways: Gateway[] = [];
  const addGateway: Shop['addGateway'] = async (changed = {}) => {
    const log = collectingLog(logged);
    const gateway = createGateway(own, { environment: { ...all, ...changed }, log });
    gateways.push(gateway);
    const { url } = await gateway.start();
    return { url, close: gateway.close };
  };
  const { url } = await addGateway();
  const authorization = `Bearer ${await tokenOf('operator', readScopes)}`;
  const ask: Shop['ask'] = async (query, variables = {}, headers = {}) => {
    const given = { 'content-type': 'application/json', authorization, ...newKey(query, variables) };
    const sent = Object.entries({ ...given, ...headers });
    const response = await fetch(url, {
      method: 'POST',
      headers: sent.flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  };
  return {
    url,
    databaseUrl: database.url,
    upstreamPort: upstreams.port,
    store,
    faults,
    calls,
    logged,
    tokenOf,
    ask,
    askAs: async (caller, query, variables) =>
      ask(query, variables, { authorization: await authorizationOf(caller) }),
    addGateway,
    environment: all,
    close: async () => {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      await upstreams.close();
      await store.close();
      await database.drop();
    },
  };
}

const readScopes = 'orders:read payments:read chat:read users:read';

function newKey(query: string, variables: object): Record<string, string> {
  const isBare =
    query.includes('mutation') && !`${query}${JSON.stringify(variables)}`.includes('idempotencyKey');
  return isBare ? { 'idempotency-key': randomUUID() } : {};
}

function tokenOf(sub: string, scope = ''): Promise<string> {
  const token = { sub, issuer: 'weir-development', audience: 'weir' };
  return signDevelopmentToken(scope === '' ? token : { ...token, scope }, systemClock);
}

async function authorizationOf(caller: Caller): Promise<string | null> {
  if (caller === null) return null;
  const { sub, scope } = typeof caller === 'string' ? { sub: caller, scope: '' } : caller;
  return `Bearer ${await tokenOf(sub, scope)}`;
}

/** A log that keeps what it is told, but for the one line of each operation. */
export function collectingLog(lines: Record<string, unknown>[]): Log {
  const collect = (members: unknown, message?: string) => {
    if (message === 'operation') return;
    lines.push({ message, ...(typeof members === 'object' ? members : { message: members }) });
  };
  return { info: collect, warn: collect, error: collect };
}

function targets(port: number): Record<string, string> {
  const names = Object.keys(config.upstreams);
  return Object.fromEntries(
    names.map((name) => [`WEIR_UPSTREAM_${name.toUpperCase()}`, `127.0.0.1:${port}`]),
  );
}
