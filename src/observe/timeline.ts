import type { Clock } from '../clock.ts';

/** Entries of either list that one timeline keeps; what comes after is only counted. */
export const maxTimelineEntries = 1000;

/** What one batch of a loader did: counts are whole numbers from 0, the duration is in milliseconds. */
export interface BatchRecord {
  readonly loader: string;
  /** Distinct keys that were asked for. */
  readonly keys: number;
  /** Loads since the loader's previous batch that needed no key of their own. */
  readonly duplicates: number;
  /** Fetches that the keys were spread over: more than 1 when there were more keys than one batch may hold. */
  readonly calls: number;
  readonly durationMs: number;
  /** Keys that got no row. */
  readonly missing: number;
  /** Rows dropped because nobody asked for their key. */
  readonly foreign: number;
  /** Rows dropped because their key had its row already. */
  readonly repeated: number;
}

/** What one RPC did: the duration is in milliseconds, `code` is the name of its final gRPC status (`OK`). */
export interface CallRecord {
  readonly upstream: string;
  readonly method: string;
  readonly kind: 'unary' | 'serverStream' | 'clientStream' | 'duplex';
  readonly durationMs: number;
  readonly code: string;
}

/** A record with the moment it was added, in milliseconds since the timeline began. */
export type Timed<Entry> = Entry & { readonly atMs: number };

/** The record of one operation's upstream calls and batches, in the order they ended. */
export interface Timeline {
  readonly batch: (record: BatchRecord) => void;
  readonly call: (record: CallRecord) => void;
  readonly batches: readonly Timed<BatchRecord>[];
  readonly calls: readonly Timed<CallRecord>[];
  /** Batches that came after `batches` was full. */
  readonly droppedBatches: number;
  /** Calls that came after `calls` was full. */
  readonly droppedCalls: number;
}

/** An empty timeline that begins now and keeps at most {@link maxTimelineEntries} batches and as many calls. */
export function createTimeline(clock: Clock): Timeline {
  const startMs = clock.nowMs();
  const elapsedMs = () => clock.nowMs() - startMs;
  const batches = createBoundedList<BatchRecord>(elapsedMs);
  const calls = createBoundedList<CallRecord>(elapsedMs);
  return {
    batch: batches.add,
    call: calls.add,
    batches: batches.entries,
    calls: calls.entries,
    get droppedBatches() {
      return batches.dropped();
    },
    get droppedCalls() {
      return calls.dropped();
    },
  };
}

function createBoundedList<Entry>(elapsedMs: () => number) {
  const entries: Timed<Entry>[] = [];
  let dropped = 0;
  const add = (entry: Entry): void => {
    if (entries.length < maxTimelineEntries) entries.push({ ...entry, atMs: elapsedMs() });
    else dropped += 1;
  };
  return { entries, add, dropped: () => dropped };
}
