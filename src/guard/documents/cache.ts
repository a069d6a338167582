/** How much a cache may hold. */
export interface CacheLimits {
  readonly maxEntries: number;
  /** Of what its users say that their values weigh, in bytes. */
  readonly maxBytes: number;
}

export interface DocumentCache<Value> {
  readonly get: (key: string) => Value | undefined;
  /** Keeps a value that weighs `bytes`; one that is heavier than a fifth of the cache is not kept. */
  readonly set: (key: string, value: Value, bytes: number) => void;
  readonly size: () => { readonly entries: number; readonly bytes: number };
}

/** Share of the cache for what has been asked for once. */
const newcomerShare = 0.2;

/**
 * A cache bounded by count and bytes that a flood of newcomers cannot empty (segmented LRU): a value stands among the
 * newcomers until it is asked for again, and only then among the proven. Newcomers push out newcomers; the proven push
 * out the proven that have not been asked for longest, back among the newcomers.
 */
export function createDocumentCache<Value>({ maxEntries, maxBytes }: CacheLimits): DocumentCache<Value> {
  const newcomerLimits = {
    maxEntries: Math.max(1, Math.floor(maxEntries * newcomerShare)),
    maxBytes: maxBytes * newcomerShare,
  };
  const newcomers = createSegment<Value>(newcomerLimits);
  const proven = createSegment<Value>({
    maxEntries: maxEntries - newcomerLimits.maxEntries,
    maxBytes: maxBytes - newcomerLimits.maxBytes,
  });
  return {
    get: (key) => {
      const isProven = proven.has(key);
      const entry = (isProven ? proven : newcomers).take(key);
      if (!entry) return undefined;
      for (const [demotedKey, demoted] of proven.put(key, entry)) newcomers.put(demotedKey, demoted);
      return entry.value;
    },
    set: (key, value, bytes) => {
      if (bytes > newcomerLimits.maxBytes) return;
      proven.take(key);
      newcomers.take(key);
      newcomers.put(key, { value, bytes });
    },
    size: () => ({
      entries: newcomers.entries() + proven.entries(),
      bytes: newcomers.bytes() + proven.bytes(),
    }),
  };
}

interface Entry<Value> {
  readonly value: Value;
  readonly bytes: number;
}

/** A plain LRU by the order in which a Map keeps its keys. */
function createSegment<Value>({ maxEntries, maxBytes }: CacheLimits) {
  const entries = new Map<string, Entry<Value>>();
  let bytes = 0;
  const take = (key: string): Entry<Value> | undefined => {
    const entry = entries.get(key);
    if (!entry) return undefined;
    entries.delete(key);
    bytes -= entry.bytes;
    return entry;
  };
  /** The entries that had to leave, the oldest first. */
  const put = (key: string, entry: Entry<Value>): readonly (readonly [string, Entry<Value>])[] => {
    entries.set(key, entry);
    bytes += entry.bytes;
    const left: [string, Entry<Value>][] = [];
    for (const oldest of entries) {
      if (entries.size <= maxEntries && bytes <= maxBytes) break;
      take(oldest[0]);
      left.push(oldest);
    }
    return left;
  };
  return {
    take,
    put,
    has: (key: string) => entries.has(key),
    entries: () => entries.size,
    bytes: () => bytes,
  };
}
