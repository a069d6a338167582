import { Load } from './load.ts';

/** Collects the keys of a turn and remembers what was loaded for each. */
export interface Collector<Key, Row> {
  /** The row of a key; a key that was loaded before is not asked for again. */
  readonly load: (key: Key) => Load<Row>;
  /** Lets a later load ask for the key again. */
  readonly forget: (key: Key) => void;
}

/** The rows or errors of a batch, by the same index as its keys. */
export type FetchBatch<Key, Row> = (keys: readonly Key[]) => Promise<readonly (Row | Error)[]>;

/** What is loaded in one turn. */
interface Batch<Key, Row> {
  readonly keys: Key[];
  /** By the same index. */
  readonly loads: Load<Row>[];
  /** Loads of keys that earlier batches have asked for: they come with this batch, so that what follows is one again. */
  readonly repeated: { readonly load: Load<Row>; readonly earlier: Load<Row> }[];
}

/**
 * Collects loads until every promise of the turn has run, so that loads at different depths of promises are one batch;
 * then `fetchBatch` is asked for the keys that are new. A batch that fails as a whole rejects its loads, and its keys are
 * forgotten. It lives as long as one operation and remembers as many keys as that asks for.
 */
export function createCollector<Key, Row>(fetchBatch: FetchBatch<Key, Row>): Collector<Key, Row> {
  const known = new Map<Key, { readonly load: Load<Row>; readonly batch: Batch<Key, Row> }>();
  let current: Batch<Key, Row> | undefined;

  function openBatch(): Batch<Key, Row> {
    const batch: Batch<Key, Row> = { keys: [], loads: [], repeated: [] };
    const dispatch = () => {
      current = undefined;
      if (batch.keys.length === 0) return settleRepeated(batch);
      fetchBatch(batch.keys).then(
        (rows) => settle(batch, rows),
        (error) => {
          for (const key of batch.keys) known.delete(key);
          settle(
            batch,
            batch.keys.map(() => error),
          );
        },
      );
    };
    void Promise.resolve().then(() => process.nextTick(dispatch));
    return batch;
  }

  return {
    load: (key) => {
      current ??= openBatch();
      const batch = current;
      const earlier = known.get(key);
      if (earlier?.batch === batch) return earlier.load;
      const load = new Load<Row>();
      if (earlier) batch.repeated.push({ load, earlier: earlier.load });
      else {
        batch.keys.push(key);
        batch.loads.push(load);
        known.set(key, { load, batch });
      }
      return load;
    },
    forget: (key) => {
      known.delete(key);
    },
  };
}

function settle<Key, Row>(batch: Batch<Key, Row>, rows: readonly (Row | Error)[]): void {
  settleRepeated(batch);
  batch.loads.forEach((load, index) => {
    const row = rows[index];
    if (row instanceof Error) load.rejected(row);
    else load.fulfilled(row as Row); // as: there is a row for each key, undefined if that is one
  });
}

function settleRepeated<Key, Row>({ repeated }: Batch<Key, Row>): void {
  for (const { load, earlier } of repeated) earlier.listen(load);
}
