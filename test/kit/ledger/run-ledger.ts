import { setTimeout as delay } from 'node:timers/promises';
import { createRandom, intBetween, pickOne } from '../../../seed/random.ts';
import { systemClock } from '../../../src/clock.ts';
import { signDevelopmentToken } from '../../../src/identity/development-keys.ts';
import { sumViolations, type Violations } from '../../chaos/broker-ledger.ts';
import { harmlessFaults, isSlow, type LedgerFault, lossyFaults } from './ledger-faults.ts';
import { LedgerReader, readerKinds } from './ledger-reader.ts';
import { type LedgerWorld, openLedgerWorld } from './ledger-world.ts';
import { type NumberedRoom, openNumberedRooms } from './room-writer.ts';

/** One run of the ledger. */
export interface LedgerRunOptions {
  /** Decides which faults there are, and when. */
  readonly seed: number;
  /** Where the services are, on loopback. */
  readonly upstreamPort: number;
  /** How long faults go on, in milliseconds. */
  readonly durationMs: number;
  readonly instanceCount: number;
  /** Each is read by one reader of each kind, and a second one that switches. */
  readonly roomCount: number;
  /** Between two events of a room, in milliseconds. Default 10. */
  readonly writeEveryMs?: number;
  /** Ends the faults as soon as something is lost, repeated or reordered: for a control, which is to find just that. */
  readonly untilFound?: boolean;
  /** Between two faults at most, in milliseconds. Default 500. */
  readonly harmEveryMs?: number;
  /** How long the readers have at the end, in milliseconds. Default 25 s. */
  readonly convergeMs?: number;
  /** Of those in the tables; default: all. */
  readonly faults?: readonly (keyof typeof harmlessFaults | keyof typeof lossyFaults)[];
  /** Further environment variables of the gateways. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly progress?: (line: string) => void;
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

/** Lines of each gateway's log that are told when something is wrong. */
const tellLines = 20;
/** The share of faults that lose data: what is whole between two losses is what is looked at. */
const lossyShare = 0.1;

/**
 * Numbered events from real services through gateways in processes of their own on one Redis to real clients, under
 * seeded random faults; at the end all is healed, and everybody has to see the last number.
 */
export async function runLedger(options: LedgerRunOptions): Promise<LedgerReport> {
  await using stack = new AsyncDisposableStack();
  const {
    seed,
    upstreamPort,
    roomCount,
    environment = {},
    writeEveryMs = 10,
    convergeMs = 25_000,
    progress = () => {},
  } = options;
  const world = await openLedgerWorld({ ...options, environment }, stack);
  const { rooms } = stack.use(await openNumberedRooms(`127.0.0.1:${upstreamPort}`, roomCount));
  const readers = await openReaders(world, rooms, seed);
  const reading = readers.map(({ reader }) => reader.run());
  progress(`seed ${seed}: ${world.instances.length} gateways, ${readers.length} readers`);
  const writing = new AbortController();
  const writers = rooms.map((room) => writeOn(room, writeEveryMs, writing.signal));
  const ledgers = readers.map(({ reader }) => reader.ledger);
  const isFound = () => options.untilFound === true && isConvicted(sumViolations(ledgers));
  const faults = await doHarm(world, options, isFound);
  writing.abort();
  await Promise.all(writers);
  // One more, that everybody has to get: what is missing before it shows.
  await Promise.all(rooms.map((room) => room.write()));
  for (const { reader, room } of readers) reader.finishAt(room.last);
  const late = new AbortController();
  await Promise.race([Promise.all(reading), delay(convergeMs, undefined, { signal: late.signal })]);
  late.abort();
  const report = reportOf(seed, rooms, readers, faults);
  if (report.unfinished > 0 || report.surprises.length > 0) {
    for (const surprise of report.surprises) progress(surprise);
    for (const { reader, room } of readers)
      if (!reader.isFinished)
        progress(`${reader.kind} is at ${reader.ledger.last} of ${room.last}: ${reader.state}`);
    for (const { logged } of world.instances) progress(logged().slice(-tellLines).join('\n'));
  }
  // Those that are not finished end with this.
  for (const { reader } of readers) reader.finishAt(0);
  await Promise.all(reading);
  return report;
}

/** Whether something is wrong that nobody was told of. */
export function isConvicted({ lost, repeated, reordered }: Violations): boolean {
  return lost + repeated + reordered > 0;
}

interface Reading {
  readonly reader: LedgerReader;
  readonly room: NumberedRoom;
}

async function openReaders(
  { instances }: LedgerWorld,
  rooms: readonly NumberedRoom[],
  seed: number,
): Promise<readonly Reading[]> {
  const kinds = [...Object.keys(readerKinds), 'switching'] as (keyof typeof readerKinds)[]; // exactly the table's keys
  const urls = instances.map(({ url }) => url);
  const readers: Reading[] = [];
  for (const room of rooms) {
    const claims = { sub: room.reader, issuer: 'weir-development', audience: 'weir', ttlSeconds: 3600 };
    const token = await signDevelopmentToken(claims, systemClock);
    for (const kind of kinds) {
      const random = createRandom(seed, 'user', readers.length);
      readers.push({ room, reader: new LedgerReader({ kind, room: room.id, token, urls, random }) });
    }
  }
  return readers;
}

async function writeOn(room: NumberedRoom, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await room.write();
    if (everyMs > 0) await delay(everyMs);
  }
}

async function doHarm(
  world: LedgerWorld,
  { durationMs, harmEveryMs = 500, faults: chosen, signal, progress = () => {} }: LedgerRunOptions,
  isFound: () => boolean,
): Promise<Readonly<Record<string, number>>> {
  const { random } = world;
  const isChosen = ([name]: readonly [string, LedgerFault]) => !chosen || chosen.some((one) => one === name);
  const harmless = Object.entries<LedgerFault>(harmlessFaults).filter(isChosen);
  const lossy = Object.entries<LedgerFault>(lossyFaults).filter(isChosen);
  const counts = Object.fromEntries([...harmless, ...lossy].map(([name]) => [name, 0]));
  let slow: Promise<void> | undefined;
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs && !signal?.aborted && !isFound()) {
    await delay(intBetween(random, harmEveryMs / 10, harmEveryMs));
    const isLossy = lossy.length > 0 && random() < lossyShare;
    const [name, harm] = pickOne(random, isLossy ? lossy : harmless);
    if (isSlow(harm) && slow) continue;
    const done = harm(world);
    counts[name] = (counts[name] ?? 0) + 1;
    if (isSlow(harm))
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
  seed: number,
  rooms: readonly NumberedRoom[],
  readings: readonly Reading[],
  faults: Readonly<Record<string, number>>,
): LedgerReport {
  const readers = readings.map(({ reader }) => reader);
  const ledgers = readers.map(({ ledger }) => ledger);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    seed,
    published: sum(rooms.map(({ last }) => last)),
    received: sum(ledgers.map(({ received }) => received)),
    readers: readers.length,
    resumed: sum(readers.map(({ resumed }) => resumed)),
    gaps: sum(ledgers.map(({ gaps }) => gaps)),
    maxGaps: Math.max(...ledgers.map(({ gaps }) => gaps)),
    losses: sum(Object.keys(lossyFaults).map((name) => faults[name] ?? 0)),
    unfinished: readers.filter(({ isFinished }) => !isFinished).length,
    surprises: [...new Set(readers.flatMap((reader) => [...reader.faults]))],
    ...sumViolations(ledgers),
    faults,
  };
}
