import { status } from '@grpc/grpc-js';
import { type Owner, ownedBy } from './ownership.ts';
import { createParams } from './params.ts';
import { failure, invalidArgument } from './status.ts';
import type { Sql, Store } from './store.ts';

/** A change to be told of. */
export interface OutboxEntry {
  /** The log that it goes into: 'orders', 'prices', 'room:room-17'. */
  readonly topic: string;
  /** What it is of: an order id, a product id, a message id. */
  readonly subject: string;
  /** Whose it is: a customer id. Empty: nobody's. */
  readonly owner: string;
  /** JSON: no bigint in it. */
  readonly payload: unknown;
}

/** A change that was told of. */
export interface OutboxEvent extends OutboxEntry {
  /** Position in its topic: grows with each commit, and is never given twice. */
  readonly sequence: bigint;
  readonly time: Date;
}

/** What to follow; `Start` is what `first` gives. */
export interface FollowOptions<Start = never> {
  readonly topic: string;
  /** Only of these subjects. */
  readonly subjects?: readonly string[];
  /** Only of this owner (ownership.ts). */
  readonly owner?: Owner;
  /** Only after this sequence. 0: all that are kept; -1: only those from now on. */
  readonly after: bigint;
  readonly signal: AbortSignal;
  /** Called once, when it is settled from where to follow: later changes will come. */
  readonly onStart?: (position: bigint) => void;
  /** What comes before the events: made of the position that they follow. Absent: nothing. */
  readonly first?: (position: bigint) => Start;
}

export interface Outbox {
  /**
   * Writes an event in the transaction of its change, and wakes those who follow its topic when that commits. Call it last:
   * it holds the topic's lock until the transaction ends. Answers the event's sequence.
   */
  append(tx: Sql, entry: OutboxEntry): Promise<bigint>;
  /**
   * The events after a position, then each as it is committed; ends when the signal aborts. Holds at most 100 events.
   *
   * @throws OUT_OF_RANGE with reason SEQUENCE_EXPIRED when events after the position were removed, SEQUENCE_UNKNOWN when the
   * position is past the end of the topic.
   */
  follow<Start = never>(options: FollowOptions<Start>): AsyncGenerator<OutboxEvent | Start, void, undefined>;
  /** Removes events older than `maxAgeMs` (7 days), but never the last 1,000 of a topic; answers how many. */
  expire(maxAgeMs?: number, signal?: AbortSignal): Promise<number>;
}

const CHANNEL = 'outbox';
const CHUNK = 100;
/** A change that no NOTIFY told of is found this late at most. */
const POLL_MS = 1_000;
const RETENTION_MS = 7 * 24 * 3_600_000;
/** Events of a topic that no age removes: a quiet topic keeps its history. */
const ALWAYS_KEPT = 1_000;

const APPEND = `
WITH counter AS (
  INSERT INTO outbox_topics (topic, last_sequence) VALUES ($1, 1)
  ON CONFLICT (topic) DO UPDATE SET last_sequence = outbox_topics.last_sequence + 1
  RETURNING last_sequence
), entry AS (
  INSERT INTO outbox (topic, sequence, subject, owner, payload)
  SELECT $1, last_sequence, $2, $3, $4::jsonb FROM counter
  RETURNING sequence
)
SELECT sequence, pg_notify('${CHANNEL}', $1) FROM entry`;

const HEAD = `
SELECT
  coalesce((SELECT last_sequence FROM outbox_topics WHERE topic = $1), 0) AS last,
  (SELECT sequence FROM outbox WHERE topic = $1 ORDER BY sequence LIMIT 1) AS first`;

const EXPIRE = `
WITH removed AS (
  DELETE FROM outbox USING outbox_topics
  WHERE outbox.topic = outbox_topics.topic
    AND outbox.sequence <= outbox_topics.last_sequence - ${ALWAYS_KEPT}
    AND outbox.create_time < clock_timestamp() - $1::bigint * interval '1 ms'
  RETURNING 1
)
SELECT count(*) AS removed FROM removed`;

/** The log behind the Watch RPCs. */
export function createOutbox({ store }: { store: Store }): Outbox {
  return {
    append: async (tx, { topic, subject, owner, payload }) => {
      const values = [topic, subject, owner, JSON.stringify(payload)];
      const [row] = await tx.query<{ sequence: bigint }>(APPEND, values);
      if (!row) throw new Error(`The outbox took no row for the topic ${topic}.`);
      return row.sequence;
    },
    follow: (options) => follow(store, options),
    expire: async (maxAgeMs = RETENTION_MS, signal) => {
      const [row] = await store.query<{ removed: bigint }>(EXPIRE, [maxAgeMs], signal);
      return Number(row?.removed ?? 0n);
    },
  };
}

/** Ends of a topic: the last sequence given, and the first event that is kept. */
interface Head {
  readonly last: bigint;
  readonly first: bigint | null;
}

async function* follow<Start>(
  store: Store,
  options: FollowOptions<Start>,
): AsyncGenerator<OutboxEvent | Start, void, undefined> {
  const { topic, after, signal, onStart, first } = options;
  if (after < -1n)
    throw invalidArgument({ field: 'after_sequence', description: `expected -1 or more, got ${after}` });
  const bell = createBell(store, topic, signal);
  try {
    let head = await readHead(store, topic, signal);
    let position = startPosition(topic, after, head);
    onStart?.(position);
    if (first) yield first(position);
    while (!signal.aborted) {
      if (head.last > position) {
        assertKept(topic, position, head);
        const events = await readChunk(store, options, position, head.last);
        yield* events;
        position = events.length === CHUNK ? (events.at(-1)?.sequence ?? head.last) : head.last;
      } else {
        await bell.wait();
      }
      if (signal.aborted) return;
      bell.rearm();
      head = await readHead(store, topic, signal);
    }
  } finally {
    bell.close();
  }
}

async function readHead(store: Store, topic: string, signal: AbortSignal): Promise<Head> {
  const [head] = await store.query<{ last: bigint; first: bigint | null }>(HEAD, [topic], signal);
  return head ?? { last: 0n, first: null };
}

function startPosition(topic: string, after: bigint, head: Head): bigint {
  if (after === -1n) return head.last;
  if (after === 0n) return (head.first ?? head.last + 1n) - 1n;
  if (after > head.last) {
    throw outOfRange(
      'SEQUENCE_UNKNOWN',
      topic,
      `Sequence ${after} is past the end of the log (${head.last}).`,
    );
  }
  return after;
}

/** What retention removes while somebody follows slowly must be an error, not a gap. */
function assertKept(topic: string, position: bigint, { first, last }: Head): void {
  const firstKept = first ?? last + 1n;
  if (position + 1n >= firstKept) return;
  const message = `Events after sequence ${position} were removed; the first that is kept is ${firstKept}.`;
  throw outOfRange('SEQUENCE_EXPIRED', topic, message);
}

function outOfRange(reason: string, topic: string, message: string) {
  return failure(status.OUT_OF_RANGE, message, { reason, metadata: { topic } });
}

async function readChunk(
  store: Store,
  { topic, subjects, owner, signal }: FollowOptions<unknown>,
  position: bigint,
  last: bigint,
): Promise<OutboxEvent[]> {
  const { bind, values } = createParams();
  const conditions = [
    `topic = ${bind(topic)} AND sequence > ${bind(position)} AND sequence <= ${bind(last)}`,
    ...(subjects ? [`subject = ANY(${bind(subjects)})`] : []),
    ...ownedBy(owner, 'owner', bind),
  ];
  const text = `SELECT topic, sequence, subject, owner, payload, create_time AS time FROM outbox
    WHERE ${conditions.join(' AND ')} ORDER BY sequence LIMIT ${CHUNK}`;
  return store.query<OutboxEvent>(text, values, signal);
}

/** Rings when a NOTIFY tells of the topic, when notices may have been missed, each second, and when the signal aborts. */
function createBell(store: Store, topic: string, signal: AbortSignal) {
  let rung = Promise.withResolvers<void>();
  const ring = () => rung.resolve();
  const unlisten = store.listen(CHANNEL, (payload) => {
    if (payload === topic || payload === '') ring();
  });
  const timer = setInterval(ring, POLL_MS);
  signal.addEventListener('abort', ring);
  return {
    wait: () => rung.promise,
    /** Before the topic is read: what is written after that rings again. */
    rearm: () => {
      rung = Promise.withResolvers<void>();
    },
    close: () => {
      clearInterval(timer);
      unlisten();
      signal.removeEventListener('abort', ring);
    },
  };
}
