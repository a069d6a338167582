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

/** Share of the cache that the proven may take. */
const provenShare = 0.8;

/**
 * A cache bounded by count and bytes that a flood of newcomers cannot empty (segmented LRU): a value stands among the
 * newcomers until it is asked for again, and only then among the proven. Newcomers have the room that the proven leave,
 * and push out newcomers; the proven push the one that has not been asked for longest back among the newcomers.
 */
export function createDocumentCache<Value>({ maxEntries, maxBytes }: CacheLimits): DocumentCache<Value> {
  const provenLimits = {
    maxEntries: Math.floor(maxEntries * provenShare),
    maxBytes: Math.floor(maxBytes * provenShare),
  };
  const proven = createSegment<Value>();
  const newcomers = createSegment<Value>();
  const trimNewcomers = () => {
    newcomers.trim({ maxEntries: maxEntries - proven.entries(), maxBytes: maxBytes - proven.bytes() });
  };
  return {
    get: (key) => {
      const entry = proven.take(key) ?? newcomers.take(key);
      if (!entry) return undefined;
      proven.put(key, entry);
      const demoted = proven.trim(provenLimits);
      for (const [oldKey, old] of demoted) newcomers.put(oldKey, old);
      if (demoted.length > 0) trimNewcomers();
      return entry.value;
    },
    set: (key, value, bytes) => {
      if (bytes > maxBytes - provenLimits.maxBytes) return;
      proven.take(key);
      newcomers.take(key);
      newcomers.put(key, { value, bytes });
      trimNewcomers();
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

/** Entries by when they came, as a Map keeps its keys. */
function createSegment<Value>() {
  const entries = new Map<string, Entry<Value>>();
  let bytes = 0;
  const take = (key: string): Entry<Value> | undefined => {
    const entry = entries.get(key);
    if (!entry) return undefined;
    entries.delete(key);
    bytes -= entry.bytes;
    return entry;
  };
  const put = (key: string, entry: Entry<Value>): void => {
    entries.set(key, entry);
    bytes += entry.bytes;
  };
  /** Takes the oldest out until the rest keeps to the limits. */
  const trim = (limits: CacheLimits): readonly (readonly [string, Entry<Value>])[] => {
    const left: [string, Entry<Value>][] = [];
    for (const oldest of entries) {
      if (entries.size <= limits.maxEntries && bytes <= limits.maxBytes) break;
      take(oldest[0]);
      left.push(oldest);
    }
    return left;
  };
  return { take, put, trim, entries: () => entries.size, bytes: () => bytes };
}
