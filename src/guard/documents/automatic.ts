/** How much is kept. */
export interface AutomaticLimits {
  /** 0 keeps none. */
  readonly maxDocuments: number;
  /** Of their texts. */
  readonly maxBytes: number;
}

/** Documents that clients have sent once and name by their digest from then on. */
export interface AutomaticDocuments {
  readonly get: (id: string) => string | undefined;
  /** Keeps a text for whoever names it, on the account of `share`: a tenant, or somebody without one. */
  readonly keep: (id: string, text: string, share: string) => void;
  readonly size: () => { readonly documents: number; readonly bytes: number };
}

/** What one share may have of the whole, in documents and in bytes. */
const shareOfAll = 0.2;

interface Entry {
  readonly text: string;
  readonly bytes: number;
  readonly share: string;
  /** The turn in which it was last put behind the others. */
  turn: number;
}

/**
 * Apollo's automatic persisted queries: a cache that saves bytes on the wire, and no list of what may be asked. Bounded
 * by count and bytes; what was not asked for longest goes first, and a share that has what it may have pushes out only
 * its own. Texts are found by whoever knows their digest, so the same document of all clients is kept once.
 */
export function createAutomaticDocuments({ maxDocuments, maxBytes }: AutomaticLimits): AutomaticDocuments {
  const entries = new Map<string, Entry>();
  const shares = new Map<string, { documents: number; bytes: number }>();
  const ofOne = { maxDocuments: Math.max(1, maxDocuments * shareOfAll), maxBytes: maxBytes * shareOfAll };
  let bytes = 0;
  let turn = 0;

  const drop = (id: string): void => {
    const entry = entries.get(id);
    const share = entry && shares.get(entry.share);
    if (!entry || !share) return;
    entries.delete(id);
    bytes -= entry.bytes;
    share.bytes -= entry.bytes;
    share.documents -= 1;
    if (share.documents === 0) shares.delete(entry.share);
  };
  const dropOldest = (share?: string): void => {
    for (const [id, entry] of entries) {
      if (share !== undefined && entry.share !== share) continue;
      drop(id);
      return;
    }
  };
  const put = (id: string, entry: Entry): void => {
    turn += 1;
    entry.turn = turn;
    entries.set(id, entry);
  };
  return {
    get: (id) => {
      const entry = entries.get(id);
      if (!entry) return undefined;
      // A Map that moves one key all the time becomes slow: what is near the end stays where it is.
      if (turn - entry.turn > entries.size / 2) {
        entries.delete(id);
        put(id, entry);
      }
      return entry.text;
    },
    keep: (id, text, share) => {
      const size = text.length * 2;
      if (entries.has(id) || maxDocuments === 0 || size > ofOne.maxBytes) return;
      const used = shares.get(share) ?? { documents: 0, bytes: 0 };
      while (used.documents + 1 > ofOne.maxDocuments || used.bytes + size > ofOne.maxBytes) dropOldest(share);
      while (entries.size + 1 > maxDocuments || bytes + size > maxBytes) dropOldest();
      shares.set(share, used);
      used.documents += 1;
      used.bytes += size;
      bytes += size;
      put(id, { text, bytes: size, share, turn });
    },
    size: () => ({ documents: entries.size, bytes }),
  };
}
