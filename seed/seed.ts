import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copyChunks } from './copy.ts';
import type { SeedSize } from './plan.ts';
import { nextNumbers, type SeedTable, seedTables } from './tables.ts';

/** Where to put which data. */
export interface SeedOptions extends SeedSize {
  /** Postgres with the tables already made. */
  readonly url: string;
  /** Told after each table. */
  readonly onProgress?: (progress: SeedProgress) => void;
  /** Stops the work with the signal's reason; what was there before stays. */
  readonly signal?: AbortSignal;
}

/** A table that has been filled. */
export interface SeedProgress {
  readonly table: string;
  readonly rows: number;
  readonly tablesDone: number;
  readonly tablesInAll: number;
}

/** What the services write besides the seeded tables. */
const otherTables = ['idempotency_keys'];

/**
 * Replaces everything in the shop's tables by the data of a size and seed. It is one transaction, so an interrupted seed
 * leaves what there was, and readers see the old data or the new. Rows are streamed: memory does not grow with the scale.
 */
export async function seedDatabase({ url, onProgress, signal, ...size }: SeedOptions): Promise<void> {
  const tables = seedTables(size);
  await withClient(url, async (client) => {
    await inTransaction(client, signal, async () => {
      await client.query(`TRUNCATE ${[...tables.map(({ name }) => name), ...otherTables].join(', ')}`);
      for (const [index, table] of tables.entries()) {
        const rows = await copyTable(client, table, signal);
        onProgress?.({ table: table.name, rows, tablesDone: index + 1, tablesInAll: tables.length });
      }
      for (const [sequence, next] of Object.entries(nextNumbers(size))) {
        await client.query(`ALTER SEQUENCE ${sequence} RESTART WITH ${next}`);
      }
    });
    await client.query('ANALYZE');
  });
}

/** Whether the shop has data: a seed is one transaction, so one user means that all of it is there. */
export async function isSeeded(url: string): Promise<boolean> {
  return withClient(url, async (client) => (await client.query('SELECT FROM users LIMIT 1')).rowCount === 1);
}

async function copyTable(client: pg.Client, table: SeedTable, signal?: AbortSignal): Promise<number> {
  signal?.throwIfAborted();
  const stream = client.query(copyFrom(`COPY ${table.name} (${table.columns.join(', ')}) FROM STDIN`));
  const chunks = Readable.from(copyChunks(table.rows()), { highWaterMark: 2 });
  await pipeline(chunks, stream, { ...(signal && { signal }) });
  return stream.rowCount;
}

async function inTransaction(
  client: pg.Client,
  signal: AbortSignal | undefined,
  work: () => Promise<void>,
): Promise<void> {
  await client.query('BEGIN');
  try {
    await work();
    await client.query('COMMIT');
  } catch (error) {
    // The first error is the one to tell; when the connection is gone the server rolls back by itself.
    await client.query('ROLLBACK').catch(() => undefined);
    throw signal?.aborted ? signal.reason : error;
  }
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
