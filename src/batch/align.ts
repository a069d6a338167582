/** What a loader can be keyed by: values that a Map compares by value. */
export type LoaderKey = string | number | bigint;

/** The rows of one fetch in the order of the keys that were asked, with what did not fit. */
export interface Alignment<Row> {
  /** One entry per key: its row, or null where the upstream gave none. */
  readonly rows: readonly (Row | null)[];
  /** Keys without a row. */
  readonly missing: number;
  /** Rows left out because their key was not asked for. */
  readonly foreign: number;
  /** Rows left out because their key had a row already: the first one wins. */
  readonly repeated: number;
}

/**
 * Puts `rows` into the order of `keys` by what `keyOf` says of each row, never by position: an upstream may answer
 * in any order, leave rows out, repeat them, or add rows that nobody asked for (those are never shown to anyone).
 * `keys` are distinct. Linear in both lengths. Throws only what `keyOf` throws.
 */
export function alignRows<Key extends LoaderKey, Row>(
  keys: readonly Key[],
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): Alignment<Row> {
  if (areAligned(keys, rows, keyOf)) return { rows, missing: 0, foreign: 0, repeated: 0 };
  const indexOf = new Map<Key, number>();
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index];
    if (key !== undefined) indexOf.set(key, index);
  }
  const aligned = new Array<Row | null>(keys.length).fill(null);
  let missing = keys.length;
  let foreign = 0;
  let repeated = 0;
  for (const row of rows) {
    const key = keyOf(row);
    const index = indexOf.get(key);
    if (index === undefined) foreign += 1;
    else if (aligned[index] !== null) repeated += 1;
    else {
      aligned[index] = row;
      missing -= 1;
    }
  }
  return { rows: aligned, missing, foreign, repeated };
}

/** Most upstreams answer in the order of the keys, and then nothing needs to be looked up. */
function areAligned<Key extends LoaderKey, Row>(
  keys: readonly Key[],
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): boolean {
  return rows.length === keys.length && rows.every((row, index) => keyOf(row) === keys[index]);
}
