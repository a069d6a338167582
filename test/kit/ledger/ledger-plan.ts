import { setTimeout as delay } from 'node:timers/promises';
import { intBetween, pickOne, type Random } from '../../../seed/random.ts';
import { sumViolations, type Violations } from '../../chaos/broker-ledger.ts';
import type { LedgerReader } from './ledger-reader.ts';

/** What tells 1, 2, 3 and so on. */
export interface NumberedTopic {
  /** The last number that was told. */
  readonly last: number;
  /** Resolves when the next number is told. */
  readonly write: () => Promise<void>;
}

/** Who reads what. */
export interface LedgerReading<Topic extends NumberedTopic = NumberedTopic> {
  readonly reader: LedgerReader;
  readonly topic: Topic;
}

/** Harm that can be done. */
export interface LedgerHarm {
  readonly name: string;
  /** Resolves when it is undone. */
  readonly run: () => Promise<void>;
  /** Takes seconds: no two of these go on at once. */
  readonly isSlow?: boolean;
  /** Loses what was kept: readers may be told of a gap for it. */
  readonly isLossy?: boolean;
}

/** One run: everybody reads, somebody writes, harm is done; then all is healed, and the last number has to be seen. */
export interface LedgerPlan {
  readonly seed: number;
  /** Decides which harm is done, and when. */
  readonly random: Random;
  readonly topics: readonly NumberedTopic[];
  readonly readings: readonly LedgerReading[];
  readonly harms: readonly LedgerHarm[];
  /** How long harm is done, in milliseconds. */
  readonly durationMs: number;
  /** Between two numbers of a topic, in milliseconds. Default 10. */
  readonly writeEveryMs?: number | undefined;
  /** Between two harms at most, in milliseconds. Default 500. */
  readonly harmEveryMs?: number | undefined;
  /** How long the readers have at the end, in milliseconds. Default 25 s. */
  readonly convergeMs?: number | undefined;
  /** Goes on writing at the end, for readers that miss the last number when they have just been away. */
  readonly keepsWriting?: boolean;
  /** Ends the harm as soon as something is lost, repeated or reordered: for a control, which is to find just that. */
  readonly untilFound?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((line: string) => void) | undefined;
}

/** What it came to. */
export interface LedgerReport extends Violations {
  readonly seed: number;
  readonly published: number;
  readonly received: number;
  readonly readers: number;
  /** Subscriptions that went on from a cursor. */
  readonly resumed: number;
  /** Flags of all readers, and the most of one. */
  readonly gaps: number;
  readonly maxGaps: number;
  /** Faults that lose what Redis has. */
  readonly losses: number;
  /** Readers that did not see the last number in time. */
  readonly unfinished: number;
  /** Refusals and results that should not be. */
  readonly surprises: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
}

/** The share of harm that loses data: what is whole between two losses is what is looked at. */
const lossyShare = 0.1;

/** Carries a plan out. Readers that have not seen the last number in time are told of, and end with it. */
export async function runPlan(plan: LedgerPlan): Promise<LedgerReport> {
  const { readings, topics, writeEveryMs = 10, convergeMs = 25_000, progress = () => {} } = plan;
  const reading = readings.map(({ reader }) => reader.run());
  const writing = new AbortController();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const writers = topics.map((topic) => writeOn(topic, writeEveryMs, writing.signal).catch(failed.reject));
  const ending = new AbortController();
  try {
    const faults = await Promise.race([doHarm(plan), failed.promise]);
    if (!plan.keepsWriting) {
      writing.abort();
      await Promise.race([Promise.all(writers), failed.promise]);
      // One more, that everybody has to get: what is missing before it shows.
      await Promise.all(topics.map((topic) => topic.write()));
    }
    for (const { reader, topic } of readings) reader.finishAt(topic.last);
    const late = delay(convergeMs, undefined, { signal: ending.signal }).catch(() => {});
    await Promise.race([Promise.all(reading), late, failed.promise]);
    const report = reportOf(plan, faults);
    for (const surprise of report.surprises) progress(surprise);
    for (const { reader, topic } of readings)
      if (!reader.isFinished)
        progress(`${reader.kind} is at ${reader.ledger.last} of ${topic.last}: ${reader.state}`);
    return report;
  } finally {
    ending.abort();
    writing.abort();
    // Those that are not finished end with this.
    for (const { reader } of readings) reader.finishAt(0);
    await Promise.all([...writers, ...reading]);
  }
}

/** Whether something is wrong that nobody was told of. */
export function isConvicted({ lost, repeated, reordered }: Violations): boolean {
  return lost + repeated + reordered > 0;
}

async function writeOn(topic: NumberedTopic, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await topic.write();
    if (everyMs > 0) await delay(everyMs);
  }
}

async function doHarm(plan: LedgerPlan): Promise<Readonly<Record<string, number>>> {
  const { random, harms, readings, durationMs, harmEveryMs = 500, signal, progress = () => {} } = plan;
  const harmless = harms.filter(({ isLossy }) => !isLossy);
  const lossy = harms.filter(({ isLossy }) => isLossy);
  const ledgers = readings.map(({ reader }) => reader.ledger);
  const isFound = () => plan.untilFound === true && isConvicted(sumViolations(ledgers));
  const counts = Object.fromEntries(harms.map(({ name }) => [name, 0]));
  let slow: Promise<void> | undefined;
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs && !signal?.aborted && !isFound()) {
    await delay(intBetween(random, harmEveryMs / 10, harmEveryMs));
    const isLossy = lossy.length > 0 && random() < lossyShare;
    const { name, run, isSlow } = pickOne(random, isLossy ? lossy : harmless);
    if (isSlow && slow) continue;
    const done = run();
    counts[name] = (counts[name] ?? 0) + 1;
    if (isSlow)
      slow = done.finally(() => {
        slow = undefined;
      });
    else await done;
  }
  await slow;
  progress(`faults: ${JSON.stringify(counts)}`);
  return counts;
}

function reportOf(
  { seed, topics, readings, harms }: LedgerPlan,
  faults: Readonly<Record<string, number>>,
): LedgerReport {
  const readers = readings.map(({ reader }) => reader);
  const ledgers = readers.map(({ ledger }) => ledger);
  const lossy = harms.filter(({ isLossy }) => isLossy);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    seed,
    published: sum(topics.map(({ last }) => last)),
    received: sum(ledgers.map(({ received }) => received)),
    readers: readers.length,
    resumed: sum(readers.map(({ resumed }) => resumed)),
    gaps: sum(ledgers.map(({ gaps }) => gaps)),
    maxGaps: Math.max(...ledgers.map(({ gaps }) => gaps)),
    losses: sum(lossy.map(({ name }) => faults[name] ?? 0)),
    unfinished: readers.filter(({ isFinished }) => !isFinished).length,
    surprises: [...new Set(readers.flatMap((reader) => [...reader.faults]))],
    ...sumViolations(ledgers),
    faults,
  };
}
