import type { GapReason, Position } from './broker.ts';
import type { Topic } from './topic.ts';
import type { HistoryPage, PageBounds, StoredEvent, TopicStore } from './topic-store.ts';

/** Most that one replay may hold. A page is at most 100 events or 128 KiB of it. */
export const pageBounds: PageBounds = { maxEvents: 100, maxBytes: 128 * 1024 };

/** Everything between the position asked for and `position`, in order and without a hole. */
export interface Backlog {
  readonly position: Position;
  readonly events: readonly StoredEvent[];
  readonly bytes: number;
}

/** A complete backlog, or why there is none. */
export type Replay =
  | { readonly ok: true; readonly backlog: Backlog }
  | { readonly ok: false; readonly reason: GapReason };

/** The backlog before anything was read: empty, at the position asked for. */
export function emptyBacklog(position: Position): Backlog {
  return { position, events: [], bytes: 0 };
}

/** Reads on, page by page, to where the topic ends; refuses as soon as the whole is known to be incomplete or too large. */
export async function extendBacklog(
  store: TopicStore,
  topic: Topic,
  start: Backlog,
  bounds: PageBounds,
): Promise<Replay> {
  const events = [...start.events];
  let { position, bytes } = start;
  for (;;) {
    if (topic.mode === 'latest') return latestReplay(await store.read(topic, 0, pageBounds), start);
    const page = await store.read(topic, position.offset, pageBounds);
    const reason = refusal(page, position) ?? excess(page, position, events.length, bytes, bounds);
    if (reason !== undefined) return { ok: false, reason };
    for (const event of page.events) {
      events.push(event);
      bytes += event.payload.length;
    }
    position = { epoch: page.head.epoch, offset: page.events.at(-1)?.offset ?? position.offset };
    if (position.offset === page.head.offset) return { ok: true, backlog: { position, events, bytes } };
  }
}

/** Why the page does not continue `position`; an offset beyond the end belongs to a history that was lost. */
function refusal({ head, first }: HistoryPage, position: Position): GapReason | undefined {
  if (head.epoch !== position.epoch || position.offset > head.offset) return 'epoch';
  return first > position.offset + 1 ? 'trimmed' : undefined;
}

function excess(
  page: HistoryPage,
  position: Position,
  count: number,
  bytes: number,
  bounds: PageBounds,
): GapReason | undefined {
  const isTooMany = count + page.head.offset - position.offset > bounds.maxEvents;
  return isTooMany || bytes + page.bytesAfter > bounds.maxBytes ? 'tooMany' : undefined;
}

/** The current value stands for all before it, even for those of an epoch that is gone; without one, only for itself. */
function latestReplay({ head, events }: HistoryPage, start: Backlog): Replay {
  const isSameEpoch = head.epoch === start.position.epoch;
  if (isSameEpoch && start.position.offset === head.offset) return { ok: true, backlog: start };
  if (events.length === 0) return { ok: false, reason: isSameEpoch ? 'trimmed' : 'epoch' };
  const bytes = events[0]?.payload.length ?? 0;
  return { ok: true, backlog: { position: { epoch: head.epoch, offset: head.offset }, events, bytes } };
}
