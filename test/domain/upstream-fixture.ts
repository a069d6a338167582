import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  type ClientOptions,
  credentials,
  InterceptingCall,
  type Interceptor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo } from 'nice-grpc-error-details';
import { Status } from 'nice-grpc-error-details/lib/proto/google/rpc/status.js';
import type { Scope } from '../../upstreams/caller.ts';
import { createFaults, type Faults } from '../../upstreams/faults.ts';
import { createOutbox, type Outbox } from '../../upstreams/outbox.ts';
import { createUpstreamServer } from '../../upstreams/server.ts';
import { createStore, type Store } from '../../upstreams/store.ts';
import { createTestDatabase, type TestDatabaseContent } from '../kit/postgres.ts';

/** The five services on a database of their own. */
export interface UpstreamFixture {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly faults: Faults;
  readonly databaseUrl: string;
  readonly port: number;
  /** Lines that the services logged. */
  readonly logged: string[];
  /** A client of a service, closed with the fixture; it speaks for the caller, else for one who may everything. */
  readonly client: <Client extends { close(): void }>(type: ClientType<Client>, caller?: Identity) => Client;
  readonly close: () => Promise<void>;
}

/** The identity metadata of a call, as the gateway sends it. Nothing: anonymous. */
export interface Identity {
  readonly 'x-weir-subject'?: string;
  readonly 'x-weir-scopes'?: string;
}

type ClientType<Client> = new (
  address: string,
  creds: ReturnType<typeof credentials.createInsecure>,
  options: ClientOptions,
) => Client;

const EVERY_SCOPE: readonly Scope[] = [
  ...(['chat:read', 'chat:write', 'orders:read', 'orders:write'] as const),
  ...(['payments:read', 'payments:write', 'users:read', 'users:write'] as const),
];

/** A caller that owns nothing and may everything. */
export const OPERATOR: Identity = { 'x-weir-subject': 'operator', 'x-weir-scopes': EVERY_SCOPE.join(' ') };

/** Starts it on a free port; close it in afterAll. `watch` may stand between the services and their store. */
export async function startUpstreams(
  content: TestDatabaseContent = 'seeded',
  watch: (store: Store) => Store = (store) => store,
): Promise<UpstreamFixture> {
  const database = await createTestDatabase(content);
  const logged: string[] = [];
  const log = (line: string) => logged.push(line);
  const store = createStore({ url: database.url, log });
  const watched = watch(store);
  const outbox = createOutbox({ store: watched });
  const faults = createFaults();
  const server = await createUpstreamServer({ store: watched, outbox, faults, log, port: 0, graceMs: 0 });
  const clients: { close(): void }[] = [];
  return {
    store,
    outbox,
    faults,
    logged,
    databaseUrl: database.url,
    port: server.port,
    client: (type, caller = OPERATOR) => {
      const options = { interceptors: [speakFor(caller)] };
      const client = new type(`127.0.0.1:${server.port}`, credentials.createInsecure(), options);
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) client.close();
      await server.close();
      await store.close();
      await database.drop();
    },
  };
}

/** Adds the caller's identity to every call. */
function speakFor(caller: Identity): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        for (const [key, value] of Object.entries(caller)) metadata.set(key, value);
        next(metadata, listener);
      },
    });
}

/** Awaits a unary call of a generated client: `answer((done) => client.listProducts(request, done))`. */
export async function answer<Response>(
  start: (done: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  start((error, response) => (error ? reject(error) : resolve(response)));
  return promise;
}

/** What a failed call said, its details decoded. */
export interface Refusal {
  readonly code: keyof typeof status | undefined;
  readonly message: string;
  readonly fields: readonly string[];
  readonly reason: string | undefined;
  /** ErrorInfo's metadata. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly resource: string | undefined;
  readonly preconditions: readonly string[];
}

/** Awaits a failure; throws when there is none. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    (response) => expectFailure(response),
    (reason: unknown) => reason,
  );
  if (!isServiceError(error)) throw error;
  const [encoded] = error.metadata.get('grpc-status-details-bin');
  const details = Buffer.isBuffer(encoded) ? Status.decode(encoded).details : [];
  const bytes = (name: string) => details.find(({ typeUrl }) => typeUrl.endsWith(`.${name}`))?.value;
  const [badRequest, info, resource, precondition] = [
    bytes('BadRequest'),
    bytes('ErrorInfo'),
    bytes('ResourceInfo'),
    bytes('PreconditionFailure'),
  ];
  return {
    code: nameOf(error.code),
    message: error.details,
    fields: badRequest ? BadRequest.decode(badRequest).fieldViolations.map(({ field }) => field) : [],
    reason: info && ErrorInfo.decode(info).reason,
    metadata: info ? ErrorInfo.decode(info).metadata : {},
    resource: resource && ResourceInfo.decode(resource).resourceName,
    preconditions: precondition
      ? PreconditionFailure.decode(precondition).violations.map(({ type, subject }) => `${type} ${subject}`)
      : [],
  };
}

function expectFailure(response: unknown): never {
  const text = JSON.stringify(response, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  throw new Error(`Expected a failure, got ${text.slice(0, 500)}`);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}

function nameOf(code: status): keyof typeof status | undefined {
  const names: readonly [string, unknown][] = Object.entries(status);
  // The keys of `status` besides its reverse mapping are its names.
  return names.find(([, value]) => value === code)?.[0] as keyof typeof status | undefined;
}

/** Waits until `probe` answers something other than undefined and false: for what happens in another process. */
export async function until<Result>(
  probe: () => Promise<Result | undefined | false>,
  timeoutMs = 5_000,
): Promise<Result> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const result = await probe();
    if (result !== undefined && result !== false) return result;
    // A probe that does no I/O must still let others do theirs.
    await setImmediate();
    if (performance.now() > end) throw new Error(`Not so within ${timeoutMs} ms.`);
  }
}

/** The process of the embedded Postgres in `dataDir`. */
export async function postmasterOf(dataDir: string): Promise<number> {
  const [pid] = (await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
  return Number(pid);
}

/** Whether there is such a process. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
