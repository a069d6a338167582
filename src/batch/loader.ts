import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Timeline } from '../observe/timeline.ts';
import { type Alignment, alignRows, type LoaderKey } from './align.ts';
import { createCollector } from './collector.ts';

const maxBatchSizeBound = 10_000;

/**
 * With whom an operation may share a batch: everybody, whose fetch then sees no principal; all of its tenant; or other
 * operations of the same subject, client and scopes.
 */
export type Sharing = 'public' | 'tenant' | 'viewer';

/** How rows of one kind are fetched by key: a value without state, declared once per module. */
export interface LoaderDefinition<Context, Key extends LoaderKey, Row, Args = undefined> {
  /** Name in the timeline, logs and metrics. Not empty. */
  readonly name: string;
  /** Most keys that one fetch may carry, 1 to 10,000: what the upstream documents for its batch get. */
  readonly maxBatchSize: number;
  /** Name of the upstream and path of the RPC that `fetch` calls, once for each batch: for the price of its calls. */
  readonly upstream?: string;
  readonly method?: string;
  /** Fetches the rows of 1 to `maxBatchSize` distinct keys, in any order; a key without a row is left out. */
  readonly fetch: (keys: readonly Key[], args: Args, context: Context) => Promise<readonly Row[]>;
  readonly keyOf: (row: Row) => Key;
  /**
   * With whom batches are shared; needs `upstream`. Default: with nobody. Rows must be the same for all who share them, and
   * `fetch` must read nothing of its context but upstreams.
   */
  readonly sharing?: Sharing;
}

/** What did not fit in one batch: `foreign` or `repeated` is above 0, so the upstream breaks its contract. */
export interface BatchAnomaly {
  readonly loader: string;
  readonly missing: number;
  readonly foreign: number;
  readonly repeated: number;
}

/** Fetches distinct keys for an operation together with others. */
export type ShareFetch<Context> = <Key extends LoaderKey, Row, Args>(
  definition: LoaderDefinition<Context, Key, Row, Args>,
  keys: readonly Key[],
  args: Args,
) => Promise<Alignment<Row>> | undefined;

/** What a loader needs of the operation that it lives in. */
export interface LoaderScope<Context> {
  readonly context: Context;
  readonly timeline: Timeline;
  readonly clock: Clock;
  /** Told of every batch with foreign or repeated rows, to log and count it; must not throw. */
  readonly onAnomaly?: ((anomaly: BatchAnomaly) => void) | undefined;
  /** Fetches together with other operations; undefined where this one fetches by itself. */
  readonly share?: ShareFetch<Context> | undefined;
  /** Throws once the operation is over. */
  readonly assertOpen: (loader: string) => void;
}

/** One definition at work in one operation: collects keys, fetches them together, remembers their rows. */
export interface Loader<Key extends LoaderKey, Row> {
  readonly load: (key: Key) => Promise<Row | null>;
}

/** The rows or errors of one batch in key order, with its counts. */
interface BatchOutcome<Row> {
  readonly rows: (Row | null | Error)[];
  missing: number;
  foreign: number;
  repeated: number;
}

/** Checks a definition when its module is loaded; throws RangeError for an empty name or a size out of bounds, TypeError for sharing without an upstream. */
export function defineLoader<Context, Key extends LoaderKey, Row, Args = undefined>(
  definition: LoaderDefinition<Context, Key, Row, Args>,
): LoaderDefinition<Context, Key, Row, Args> {
  const { name, maxBatchSize, sharing, upstream } = definition;
  if (name === '') throw new RangeError('A loader needs a name: expected text in "name", got "".');
  if (!Number.isInteger(maxBatchSize) || maxBatchSize < 1 || maxBatchSize > maxBatchSizeBound) {
    throw new RangeError(
      `Loader "${name}": expected "maxBatchSize" to be a whole number from 1 to ${maxBatchSizeBound}, got ${maxBatchSize}.`,
    );
  }
  if (sharing !== undefined && upstream === undefined)
    throw new TypeError(`Loader "${name}": expected "upstream" beside "sharing", got none.`);
  return definition;
}

/**
 * A loader for one operation. Loads of the same turn become one batch of distinct keys, aligned by key; a batch
 * above `maxBatchSize` is fetched in parallel chunks that settle together, so that what follows is one batch again.
 * A chunk that fails rejects its own keys only, and they are forgotten: a later load asks again.
 */
export function createLoader<Context, Key extends LoaderKey, Row, Args>(
  definition: LoaderDefinition<Context, Key, Row, Args>,
  args: Args,
  scope: LoaderScope<Context>,
): Loader<Key, Row> {
  let loads = 0;
  const collector = createCollector<Key, Row | null>(fetchBatch);

  async function fetchBatch(keys: readonly Key[]): Promise<(Row | null | Error)[]> {
    scope.assertOpen(definition.name);
    const duplicates = loads - keys.length;
    loads = 0;
    const startMs = scope.clock.nowMs();
    const chunks = chunksOf(keys, definition.maxBatchSize);
    const parts = await Promise.all(chunks.map((chunk) => fetchChunk(definition, chunk, args, scope)));
    const outcome = joinParts(chunks, parts, (key) => collector.forget(key));
    report(definition.name, scope, outcome, {
      keys: keys.length,
      duplicates,
      calls: chunks.length,
      durationMs: scope.clock.nowMs() - startMs,
    });
    return outcome.rows;
  }

  return {
    load: (key) => {
      loads += 1;
      return collector.load(key);
    },
  };
}

function chunksOf<Key>(keys: readonly Key[], size: number): readonly (readonly Key[])[] {
  if (keys.length <= size) return [keys];
  return Array.from({ length: Math.ceil(keys.length / size) }, (_, index) =>
    keys.slice(index * size, (index + 1) * size),
  );
}

/** Fetches distinct keys, at most `maxBatchSize` of them; rejects with what `fetch` or `keyOf` throws. */
export async function fetchAligned<Context, Key extends LoaderKey, Row, Args>(
  definition: LoaderDefinition<Context, Key, Row, Args>,
  keys: readonly Key[],
  args: Args,
  context: Context,
): Promise<Alignment<Row>> {
  return alignRows(keys, await definition.fetch(keys, args, context), definition.keyOf);
}

/** Never rejects: a chunk's failure is a value, so that it cannot take its neighbours with it. */
async function fetchChunk<Context, Key extends LoaderKey, Row, Args>(
  definition: LoaderDefinition<Context, Key, Row, Args>,
  keys: readonly Key[],
  args: Args,
  { share, context }: LoaderScope<Context>,
): Promise<Alignment<Row> | Error> {
  try {
    return await (share?.(definition, keys, args) ?? fetchAligned(definition, keys, args, context));
  } catch (thrown) {
    return thrown instanceof Error ? thrown : WeirError.from(thrown);
  }
}

function joinParts<Key, Row>(
  chunks: readonly (readonly Key[])[],
  parts: readonly (Alignment<Row> | Error)[],
  forget: (key: Key) => void,
): BatchOutcome<Row> {
  const outcome: BatchOutcome<Row> = { rows: [], missing: 0, foreign: 0, repeated: 0 };
  parts.forEach((part, index) => {
    if (part instanceof Error) {
      for (const key of chunks[index] ?? []) {
        forget(key);
        outcome.rows.push(part);
      }
      return;
    }
    for (const row of part.rows) outcome.rows.push(row);
    outcome.missing += part.missing;
    outcome.foreign += part.foreign;
    outcome.repeated += part.repeated;
  });
  return outcome;
}

function report<Context, Row>(
  loader: string,
  { timeline, onAnomaly }: LoaderScope<Context>,
  { missing, foreign, repeated }: BatchOutcome<Row>,
  size: { keys: number; duplicates: number; calls: number; durationMs: number },
): void {
  timeline.batch({ loader, ...size, missing, foreign, repeated });
  if (foreign + repeated > 0) onAnomaly?.({ loader, missing, foreign, repeated });
}
