import type { Clock } from '../../clock.ts';
import { createRecentMap, type RecentMap } from '../../recent-map.ts';
import type {
  BudgetStore,
  MaybePromise,
  ReserveAnswer,
  ReserveRequest,
  Settlement,
  Tier,
  TierState,
} from './budget-store.ts';
import type { Chunk } from './chunk.ts';
import { Chunks, type ChunksOptions } from './chunks.ts';

/** What {@link createLeasedStore} needs. */
export interface LeasedStoreOptions {
  /** The shared store. */
  readonly store: BudgetStore;
  readonly clock: Clock;
  /** A chunk is what this node spends of a tier in so long, by its recent rate; it is kept for twice that. Default 250. */
  readonly chunkMs?: number;
  /** A chunk is at most this part of a tier's limit, above 0 to 1. Default 0.05. */
  readonly maxChunkShare?: number;
  /** A tier is leased when a chunk is worth so many of the operation that asks. Default 4. */
  readonly minOperationsPerChunk?: number;
  /** Tiers watched, and reservations remembered. Default 100,000 each; what was used least recently is forgotten. */
  readonly maxKeys?: number;
  /** Runs when points could not be given back: they stay charged. Must not throw. */
  readonly onFailure?: (error: unknown) => void;
}

/** How much is held here, for metrics. */
export interface LeaseStatus {
  readonly chunks: number;
  /** Their points that are not spent: what this node may still admit without asking. */
  readonly heldPoints: number;
  /** Reservations answered without asking the shared store, and all others. */
  readonly localReservations: number;
  readonly sharedReservations: number;
}

/** A {@link BudgetStore} that spares most round trips for tiers in heavy use. */
export interface LeasedStore extends BudgetStore {
  readonly status: () => LeaseStatus;
  /** The most points of `tier` that so many nodes may admit, in any window, beyond its limit and rate. */
  readonly maxOverAdmission: (tier: Tier, nodes: number) => number;
}

/** By tier, in their order: the chunk that it was taken from, or null for the shared store. */
type Sources = readonly (Chunk | null)[];

interface Reservation {
  readonly points: number;
  readonly untilMs: number;
  readonly sources: Sources;
}

/**
 * Takes the points of tiers in heavy use in chunks and spends those here, without waiting for anybody. Each tier is
 * leased by itself, so the tier that all share costs no round trip although a caller's own is asked for each time. Small
 * tiers, and operations that are large beside a chunk, stay exact. It is the shared store that refuses, after what was
 * left here of the tier has been given back. A node spends from one chunk of a tier at a time, so in any window all nodes
 * together admit at most `nodes x chunk` points beyond limit and rate.
 */
export function createLeasedStore(options: LeasedStoreOptions): LeasedStore {
  return new Leases({
    chunkMs: 250,
    maxChunkShare: 0.05,
    minOperationsPerChunk: 4,
    maxKeys: 100_000,
    onFailure: () => undefined,
    ...options,
  });
}

class Leases implements LeasedStore {
  readonly #options: ChunksOptions;
  readonly #chunks: Chunks;
  readonly #reservations: RecentMap<Reservation>;
  #localReservations = 0;
  #sharedReservations = 0;

  constructor(options: ChunksOptions) {
    this.#options = options;
    this.#chunks = new Chunks(options);
    this.#reservations = createRecentMap(options.maxKeys);
  }

  readonly reserve = (request: ReserveRequest): MaybePromise<ReserveAnswer> => {
    const { id, tiers, points } = request;
    const { store } = this.#options;
    if (this.#reservations.get(id)) return this.#repeated(tiers);
    // What never fits is refused without a look at the chunks.
    if (tiers.some(({ limitPoints }) => limitPoints < points)) return store.reserve(request);
    const rates = tiers.map((tier) => this.#chunks.count(tier, points));
    const sources = tiers.map((tier) => this.#chunks.take(tier, points));
    if (sources.includes(null)) return this.#reserveShared(request, sources, rates);
    this.#localReservations += 1;
    this.#remember(request, sources);
    return { kind: 'admitted', states: this.#statesOf(tiers, sources, []) };
  };

  readonly settle = (settlement: Settlement): MaybePromise<readonly TierState[]> => {
    const { id, tiers, points } = settlement;
    const reservation = this.#reservations.get(id);
    if (!reservation) return this.#options.store.settle(settlement);
    this.#reservations.delete(id);
    const { sources, untilMs } = reservation;
    // Past its lease it stays as estimated.
    const actual = this.#options.clock.nowMs() < untilMs ? points : reservation.points;
    const work: Promise<unknown>[] = [];
    for (const chunk of sources) {
      const finished = chunk?.settle(reservation.points, actual);
      if (finished instanceof Promise) work.push(finished);
    }
    if (work.length > 0 || sources.includes(null)) return this.#settleShared(settlement, sources, work);
    return this.#statesOf(tiers, sources, []);
  };

  readonly peek = async (tiers: readonly Tier[]): Promise<readonly TierState[]> => {
    const states = await this.#options.store.peek(tiers);
    return states.map((state, index) => {
      const chunk = tiers[index] && this.#chunks.of(tiers[index]);
      return chunk ? chunk.addedTo(state) : state;
    });
  };

  readonly close = async (): Promise<void> => {
    await this.#chunks.close();
    await this.#options.store.close();
  };

  readonly status = (): LeaseStatus => ({
    ...this.#chunks.held(),
    localReservations: this.#localReservations,
    sharedReservations: this.#sharedReservations,
  });

  readonly maxOverAdmission = (tier: Tier, nodes: number): number => nodes * this.#chunks.maxSizeOf(tier);

  /** Leases what is worth it, then asks for all that is not covered in one step. */
  async #reserveShared(
    request: ReserveRequest,
    sources: (Chunk | null)[],
    rates: readonly number[],
  ): Promise<ReserveAnswer> {
    const { tiers, points } = request;
    this.#sharedReservations += 1;
    try {
      await Promise.all(
        tiers.map((tier, index) => {
          const rate = rates[index] ?? 0;
          const isHot = sources[index] === null && this.#chunks.isWorthIt(tier, points, rate);
          return isHot ? this.#chunks.lease(tier, request, rate) : undefined;
        }),
      );
      for (const [index, tier] of tiers.entries()) sources[index] ??= this.#chunks.take(tier, points);
      const answer = await this.#askFor(request, uncovered(tiers, sources));
      if (answer.kind === 'admitted') this.#remember(request, sources);
      else this.#putBack(sources, points);
      if (answer.kind === 'unavailable') return answer;
      return { ...answer, states: this.#statesOf(tiers, sources, answer.states) };
    } catch (error) {
      this.#putBack(sources, points);
      throw error;
    }
  }

  async #askFor(request: ReserveRequest, tiers: readonly Tier[]): Promise<ReserveAnswer> {
    if (tiers.length === 0) return { kind: 'admitted', states: [] };
    await Promise.all(tiers.map((tier) => this.#chunks.giveUp(tier)));
    return this.#options.store.reserve({ ...request, tiers });
  }

  async #settleShared(
    settlement: Settlement,
    sources: Sources,
    work: readonly Promise<unknown>[],
  ): Promise<readonly TierState[]> {
    await Promise.all(work);
    const tiers = uncovered(settlement.tiers, sources);
    const states = tiers.length > 0 ? await this.#options.store.settle({ ...settlement, tiers }) : [];
    return this.#statesOf(settlement.tiers, sources, states);
  }

  async #repeated(tiers: readonly Tier[]): Promise<ReserveAnswer> {
    return { kind: 'admitted', states: await this.peek(tiers) };
  }

  /** What is in the shared store alone is remembered there. */
  #remember({ id, points, leaseMs }: ReserveRequest, sources: Sources): void {
    if (sources.every((chunk) => chunk === null)) return;
    this.#reservations.set(id, { points, untilMs: this.#options.clock.nowMs() + leaseMs, sources });
  }

  #putBack(sources: Sources, points: number): void {
    for (const chunk of sources) {
      const finished = chunk?.settle(points, 0);
      if (finished instanceof Promise) finished.catch(this.#options.onFailure);
    }
  }

  /** Of tiers taken from a chunk as this node knows them; of the others, in their order, as the shared store has them. */
  #statesOf(tiers: readonly Tier[], sources: Sources, shared: readonly TierState[]): readonly TierState[] {
    const nowMs = this.#options.clock.nowMs();
    let next = 0;
    return tiers.flatMap((tier, index) => {
      const chunk = sources[index];
      if (chunk) return (this.#chunks.of(tier) ?? chunk).stateAt(nowMs);
      next += 1;
      return shared[next - 1] ?? [];
    });
  }
}

function uncovered(tiers: readonly Tier[], sources: Sources): readonly Tier[] {
  return tiers.filter((_, index) => sources[index] === null);
}
