import { status } from '@grpc/grpc-js';
import pg from 'pg';
import { createListener, type Listener } from './listen.ts';
import { failure } from './status.ts';

/** Where SQL can be run: the store (each statement by itself) or one transaction. */
export interface Sql {
  /**
   * Runs one statement and answers its rows: int8 as bigint, timestamptz as Date. When `signal` aborts, the statement is
   * cancelled inside Postgres and the promise rejects with the signal's reason.
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<Row[]>;
}

export interface Store extends Sql {
  /** Runs `work` in one transaction (READ COMMITTED): commits what it answers, rolls back what it throws. */
  transaction<Result>(work: (tx: Sql) => Promise<Result>, signal?: AbortSignal): Promise<Result>;
  /** Calls `onMessage` for each NOTIFY of `channel`, and once with '' whenever messages may have been missed. */
  listen(channel: string, onMessage: (payload: string) => void): () => void;
  /** Waits for what runs, then closes every connection. */
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly url: string;
  /** Connections for statements (10). Two more cancel, one listens. */
  readonly maxConnections?: number;
  /** Statements that may wait for a connection before the next is refused with RESOURCE_EXHAUSTED (500). */
  readonly maxWaiting?: number;
  /** Postgres ends a statement after this long (30,000). */
  readonly statementTimeoutMs?: number;
  readonly log?: (line: string) => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;
/** Statements kept prepared by each connection; the ones after that are parsed each time. */
const MAX_PREPARED = 500;
const INT8_OID = 20;

/** A pool of connections to the shop's Postgres. Nothing connects before it is needed. */
export function createStore(options: StoreOptions): Store {
  const { url, maxConnections = 10, maxWaiting = 500, statementTimeoutMs = 30_000 } = options;
  let closed = false;
  // Connections that end while we close are no news.
  const log = (line: string) => {
    if (!closed) options.log?.(line);
  };
  const pool = createPool(url, maxConnections, statementTimeoutMs, log);
  // Cancelling has connections of its own: a busy pool is when it is needed most.
  const cancelPool = createPool(url, 2, CONNECT_TIMEOUT_MS, log);
  const names = createStatementNames();
  let listener: Listener | undefined;

  const run: Run = async (client, text, values, signal) => {
    signal?.throwIfAborted();
    const name = values.length > 0 ? names(text) : undefined;
    const running = client.query({ text, values: [...values], ...(name && { name }) });
    return signal ? cancellable(running, client, cancelPool, signal) : (await running).rows;
  };

  const withClient: WithClient = (work, signal) => {
    // The pool hands connections out a tick later: who will get one then does not count as waiting.
    const free = pool.idleCount + maxConnections - pool.totalCount;
    if (pool.waitingCount - free < maxWaiting) return lend(pool, work, signal);
    throw failure(status.RESOURCE_EXHAUSTED, `More than ${maxWaiting} statements wait for Postgres.`);
  };

  return {
    query: async <Row extends object>(text: string, values: readonly unknown[] = [], signal?: AbortSignal) =>
      // The row type is the caller's claim about its own SQL, as in pg.
      withClient((client) => run(client, text, values, signal) as Promise<Row[]>, signal),
    transaction: async (work, signal) => withClient((client) => transact(client, run, work, signal), signal),
    listen: (channel, onMessage) => {
      listener ??= createListener({ url, log });
      return listener.listen(channel, onMessage);
    },
    close: async () => {
      closed = true;
      await listener?.close();
      await pool.end();
      await cancelPool.end();
    },
  };
}

type Run = (
  client: pg.PoolClient,
  text: string,
  values: readonly unknown[],
  signal: AbortSignal | undefined,
) => Promise<object[]>;

type WithClient = <Result>(
  work: (client: pg.PoolClient) => Promise<Result>,
  signal: AbortSignal | undefined,
) => Promise<Result>;

function createPool(
  url: string,
  max: number,
  statementTimeoutMs: number,
  log: (line: string) => void,
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'shop',
    max,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
    keepAlive: true,
    types: { getTypeParser },
  });
  // An idle connection that Postgres closes is replaced by the pool; without a listener it would end the process.
  pool.on('error', (error) => log(`postgres: an idle connection was lost: ${error.message}`));
  return pool;
}

/** int8 as bigint, here only: pg's own table of parsers belongs to the whole process. */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === INT8_OID && format !== 'binary' ? BigInt : pg.types.getTypeParser(oid, format);

function createStatementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known || names.size >= MAX_PREPARED) return known;
    const name = `statement_${names.size}`;
    names.set(text, name);
    return name;
  };
}

/** Runs `work` with a connection of the pool, and gives it back unless it broke. */
async function lend<Result>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  const client = await acquire(pool, signal);
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    return await work(client);
  } catch (error) {
    // After a FATAL the connection is as good as gone, but pg learns of it only later.
    if (error instanceof pg.DatabaseError && error.severity !== 'ERROR') broken = error;
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

async function acquire(pool: pg.Pool, signal: AbortSignal | undefined): Promise<pg.PoolClient> {
  signal?.throwIfAborted();
  const connecting = pool.connect();
  if (!signal) return connecting;
  const { promise: aborting, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([connecting, aborting]);
  } catch (error) {
    // Nobody waits for the connection any more: it goes back when it comes. That it never comes is in `error`, or nobody's.
    connecting.then(
      (client) => client.release(),
      () => {},
    );
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Waits for `running` and for the cancellation, if there is one: a cancellation that arrived after the connection was given
 * back would hit the next user's statement.
 */
async function cancellable(
  running: Promise<pg.QueryResult>,
  client: pg.PoolClient,
  cancelPool: pg.Pool,
  signal: AbortSignal,
): Promise<object[]> {
  // pg knows it from the start-up message, its types do not (client.js, _handleBackendKeyData).
  const { processID } = client as unknown as { readonly processID: number };
  let cancelling: Promise<unknown> | undefined;
  const cancel = () => {
    cancelling = cancelPool.query('SELECT pg_cancel_backend($1)', [processID]);
    // Its failure is awaited below; meanwhile it must not count as unhandled.
    cancelling.catch(() => {});
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return (await running).rows;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', cancel);
    await cancelling?.catch(() => {});
  }
}

async function transact<Result>(
  client: pg.PoolClient,
  run: Run,
  work: (tx: Sql) => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  const tx: Sql = {
    // The row type is the caller's claim about its own SQL, as in pg.
    query: <Row extends object>(text: string, values: readonly unknown[] = [], own?: AbortSignal) =>
      run(client, text, values, own ?? signal) as Promise<Row[]>,
  };
  await run(client, 'BEGIN', [], signal);
  try {
    const result = await work(tx);
    signal?.throwIfAborted();
    // Not cancellable: a COMMIT is done or not, and only Postgres knows.
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
