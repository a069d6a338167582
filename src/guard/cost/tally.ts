/**
 * How many objects an operation has given, by the place of its document that asked for them. A place is its response
 * names from the root, joined by '.', a space and the name of the concrete type: `list.edges.node Thing`; the root
 * itself is ` Query`.
 */
export interface Tally {
  /** Whether an execution has begun that counts; false where graphql-js executes. */
  readonly isCounted: boolean;
  /** Every place with its count so far, 1 or more, in no order. */
  entries(): Iterable<readonly [key: string, count: number]>;
}

/** A tally as executions fill it. */
export interface OpenTally extends Tally {
  /** Takes the counts of an execution, by the same index as their places; both go on growing while it runs. */
  begin(keys: readonly string[], counts: readonly number[]): void;
}

/** A tally for one operation, with nothing counted. */
export function createTally(): OpenTally {
  const begun: (readonly [keys: readonly string[], counts: readonly number[]])[] = [];
  return {
    begin: (keys, counts) => {
      begun.push([keys, counts]);
    },
    get isCounted() {
      return begun.length > 0;
    },
    entries: () => {
      const sums = new Map<string, number>();
      for (const [keys, counts] of begun) addUp(sums, keys, counts);
      return sums;
    },
  };
}

/** A place has several indexes where what is above it is of several types. */
function addUp(sums: Map<string, number>, keys: readonly string[], counts: readonly number[]): void {
  // Of a plan that several operations fill, one has counted at some indexes only.
  counts.forEach((count, index) => {
    const key = keys[index];
    if (key !== undefined && count > 0) sums.set(key, (sums.get(key) ?? 0) + count);
  });
}
