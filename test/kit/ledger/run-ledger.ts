import { createRandom } from '../../../seed/random.ts';
import { systemClock } from '../../../src/clock.ts';
import { signDevelopmentToken } from '../../../src/identity/development-keys.ts';
import { harmlessFaults, isSlow, type LedgerFault, lossyFaults } from './ledger-faults.ts';
import { type LedgerHarm, type LedgerReading, type LedgerReport, runPlan } from './ledger-plan.ts';
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

/** Lines of each gateway's log that are told when something is wrong. */
const tellLines = 20;
const query = 'subscription Ledger($room: ID!) { messageAdded(room: $room) { text } }';

/**
 * Numbered events from real services through gateways in processes of their own on one Redis to real clients, under
 * seeded random faults; at the end all is healed, and everybody has to see the last number.
 */
export async function runLedger(options: LedgerRunOptions): Promise<LedgerReport> {
  await using stack = new AsyncDisposableStack();
  const { seed, upstreamPort, roomCount, environment = {}, progress = () => {} } = options;
  const world = await openLedgerWorld({ ...options, environment }, stack);
  const { rooms } = stack.use(await openNumberedRooms(`127.0.0.1:${upstreamPort}`, roomCount));
  const readings = await openReaders(world, rooms, seed);
  progress(`seed ${seed}: ${world.instances.length} gateways, ${readings.length} readers`);
  const harms = harmsOf(world, options);
  const report = await runPlan({ ...options, random: world.random, topics: rooms, readings, harms });
  if (report.unfinished > 0 || report.surprises.length > 0)
    for (const { logged } of world.instances) progress(logged().slice(-tellLines).join('\n'));
  return report;
}

function harmsOf(world: LedgerWorld, { faults: chosen }: LedgerRunOptions): readonly LedgerHarm[] {
  const harmless = Object.entries<LedgerFault>(harmlessFaults);
  const lossy = Object.entries<LedgerFault>(lossyFaults);
  return [...harmless, ...lossy]
    .filter(([name]) => !chosen || chosen.some((one) => one === name))
    .map(([name, fault]) => ({
      name,
      run: () => fault(world),
      isSlow: isSlow(fault),
      isLossy: name in lossyFaults,
    }));
}

async function openReaders(
  { instances }: LedgerWorld,
  rooms: readonly NumberedRoom[],
  seed: number,
): Promise<readonly LedgerReading[]> {
  const kinds = [...Object.keys(readerKinds), 'switching'] as (keyof typeof readerKinds)[]; // exactly the table's keys
  const urls = instances.map(({ url }) => url);
  const readings: LedgerReading[] = [];
  for (const room of rooms) {
    const claims = { sub: room.reader, issuer: 'weir-development', audience: 'weir', ttlSeconds: 3600 };
    const token = await signDevelopmentToken(claims, systemClock);
    for (const kind of kinds) {
      const random = createRandom(seed, 'user', readings.length);
      const wanted = { query, variables: { room: room.id }, token };
      const reader = new LedgerReader({ kind, wanted, numberOf, hasCursors: true, urls, random });
      readings.push({ topic: room, reader });
    }
  }
  return readings;
}

function numberOf({ messageAdded }: Record<string, unknown>): number | undefined {
  const message = messageAdded as { readonly text: string } | null | undefined; // as: of our own graph
  return message ? Number(message.text) : undefined;
}
