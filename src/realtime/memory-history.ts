import type { Clock } from '../clock.ts';
import type { TopicHead } from './broker.ts';
import type { HistoryBounds } from './topic.ts';
import type { HistoryPage, PageBounds, StoredEvent } from './topic-store.ts';

/** The kept events of one topic in memory. */
export interface MemoryHistory {
  readonly bounds: HistoryBounds;
  readonly head: TopicHead;
  append(payload: Uint8Array, sequence: number | undefined): void;
  page(after: number, bounds: PageBounds): HistoryPage;
  /** Counts as used now. */
  use(): void;
  /** Since it was last used. */
  idleMs(): number;
}

interface Entry extends StoredEvent {
  readonly atMs: number;
}

/** An empty history in `epoch`. Events that fall out of the bounds are let go at the next use. */
export function createMemoryHistory(epoch: string, bounds: HistoryBounds, clock: Clock): MemoryHistory {
  let entries: Entry[] = [];
  /** Entries before this one are let go; the array is cut when they are half of it, so that each costs O(1). */
  let start = 0;
  let bytes = 0;
  let offset = 0;
  let lastSequence: number | null = null;
  let usedAtMs = clock.nowMs();

  function trim(): void {
    const oldestMs = clock.nowMs() - bounds.maxAgeMs;
    for (let oldest = entries[start]; oldest !== undefined; oldest = entries[start]) {
      const kept = entries.length - start;
      const isOver = kept > bounds.maxEvents || (bytes > bounds.maxBytes && kept > 1);
      if (!isOver && oldest.atMs > oldestMs) break;
      bytes -= oldest.payload.length;
      start += 1;
    }
    if (start > entries.length / 2) {
      entries = entries.slice(start);
      start = 0;
    }
  }

  function page(after: number, { maxEvents, maxBytes }: PageBounds): HistoryPage {
    trim();
    const first = offset + 1 - (entries.length - start);
    const rest = entries.slice(start + Math.max(0, after + 1 - first));
    const events: Entry[] = [];
    let pageBytes = 0;
    for (const entry of rest) {
      pageBytes += entry.payload.length;
      if (events.length >= maxEvents || (pageBytes > maxBytes && events.length > 0)) break;
      events.push(entry);
    }
    const bytesAfter = rest.reduce((sum, { payload }) => sum + payload.length, 0);
    return { head: { epoch, offset, sequence: lastSequence }, first, bytesAfter, events };
  }

  return {
    bounds,
    get head() {
      return { epoch, offset, sequence: lastSequence };
    },
    append: (payload, sequence) => {
      offset += 1;
      bytes += payload.length;
      lastSequence = sequence ?? lastSequence;
      entries.push({ offset, payload, atMs: clock.nowMs() });
      trim();
    },
    page,
    use: () => {
      usedAtMs = clock.nowMs();
    },
    idleMs: () => clock.nowMs() - usedAtMs,
  };
}
