/** What a topic keeps of its events: nothing; the last value; or all of them in order, within its bounds. */
export type TopicMode = 'lossy' | 'latest' | 'log';

/** Who may share one execution of an event; `viewer` shares with nobody. */
export type Audience = 'public' | 'tenant' | 'viewer';

/** How much of a `log` topic can be replayed. Whichever bound is reached first trims the oldest events. */
export interface HistoryBounds {
  /** 1 to 100,000. Default 1,000. */
  readonly maxEvents: number;
  /** Of payloads, 1 to 64 MiB; the newest event is kept whatever its size. Default 1 MiB. */
  readonly maxBytes: number;
  /** 1 s to 7 days. Default 5 min. */
  readonly maxAgeMs: number;
}

/** What is declared of a topic. */
export interface TopicOptions {
  /** Names the topic at all instances: opaque well-formed text (family and arguments) of 1 to 512 characters. */
  readonly key: string;
  readonly mode: TopicMode;
  readonly history?: Partial<HistoryBounds>;
  /** Default `viewer`. */
  readonly audience?: Audience;
}

/**
 * A named stream of events. All who publish to and subscribe to one key declare it alike.
 * - `lossy`: events have no position; who is away when one comes does not get it (typing, presence).
 * - `latest`: the newest event stands for all before it; only that one is kept, within `maxAgeMs` (prices, states).
 * - `log`: every event counts, in order; each is delivered once or its loss is told.
 */
export interface Topic {
  readonly key: string;
  readonly mode: TopicMode;
  readonly history: HistoryBounds;
  readonly audience: Audience;
}

const maxKeyLength = 512;

const bounds = {
  maxEvents: { min: 1, max: 100_000, default: 1000 },
  maxBytes: { min: 1, max: 64 * 1024 * 1024, default: 1024 * 1024 },
  maxAgeMs: { min: 1000, max: 7 * 24 * 60 * 60 * 1000, default: 5 * 60 * 1000 },
} as const satisfies Record<keyof HistoryBounds, object>;

/** The topic with its defaults; throws RangeError naming the option that is out of its bounds. */
export function topicFromOptions({ key, mode, history = {}, audience = 'viewer' }: TopicOptions): Topic {
  if (key.length < 1 || key.length > maxKeyLength || !key.isWellFormed()) {
    throw new RangeError(
      `Topic key: expected well-formed text of 1 to ${maxKeyLength} characters, got ${key.length}.`,
    );
  }
  const bounded = {
    maxEvents: boundOf('maxEvents', history),
    maxBytes: boundOf('maxBytes', history),
    maxAgeMs: boundOf('maxAgeMs', history),
  };
  return { key, mode, audience, history: mode === 'latest' ? { ...bounded, maxEvents: 1 } : bounded };
}

function boundOf(name: keyof HistoryBounds, history: Partial<HistoryBounds>): number {
  const { min, max, default: fallback } = bounds[name];
  const value = history[name] ?? fallback;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`Topic history.${name}: expected a whole number from ${min} to ${max}, got ${value}.`);
}
