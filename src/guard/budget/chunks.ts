import type { CancelTimer, Clock } from '../../clock.ts';
import { createRecentMap, type RecentMap } from '../../recent-map.ts';
import type { BudgetStore, ReserveRequest, Tier } from './budget-store.ts';
import { Chunk } from './chunk.ts';
import { createRateMeter, type RateMeter } from './rate-meter.ts';

/** What {@link Chunks} needs. */
export interface ChunksOptions {
  readonly store: BudgetStore;
  readonly clock: Clock;
  readonly chunkMs: number;
  readonly maxChunkShare: number;
  readonly minOperationsPerChunk: number;
  readonly maxKeys: number;
  readonly onFailure: (error: unknown) => void;
}

interface Held {
  readonly chunk: Chunk;
  readonly cancelTimer: CancelTimer;
}

/** The chunks that this node spends from: one of a tier at a time, each for a short time. */
export class Chunks {
  readonly #options: ChunksOptions;
  readonly #meter: RateMeter;
  readonly #held = new Map<string, Held>();
  readonly #leasing = new Map<string, Promise<void>>();
  /** Until when no chunk is asked for, of tiers that lately had none to give. */
  readonly #scarceUntilMs: RecentMap<number>;
  readonly #prefix = crypto.randomUUID();
  #count = 0;

  constructor(options: ChunksOptions) {
    this.#options = options;
    this.#meter = createRateMeter(options.clock, options.maxKeys);
    this.#scarceUntilMs = createRecentMap(options.maxKeys);
  }

  /** Counts what is asked of a tier and answers its recent rate, in points a second. */
  count(tier: Tier, points: number): number {
    return this.#meter.add(idOf(tier), points);
  }

  /** The tier's chunk with `points` taken from it, or null when it has none or too little. */
  take(tier: Tier, points: number): Chunk | null {
    const chunk = this.of(tier);
    return chunk?.take(points) ? chunk : null;
  }

  of(tier: Tier): Chunk | undefined {
    return this.#held.get(idOf(tier))?.chunk;
  }

  /** Whether a chunk would serve several operations of so many points, and may be had. */
  isWorthIt(tier: Tier, points: number, pointsPerSecond: number): boolean {
    const { clock, minOperationsPerChunk } = this.#options;
    if (this.#sizeOf(tier, pointsPerSecond) < points * minOperationsPerChunk) return false;
    return clock.nowMs() >= (this.#scarceUntilMs.get(idOf(tier)) ?? 0);
  }

  /** Resolves when the tier has a new chunk, or was refused one. Who comes meanwhile waits for the same. */
  lease(tier: Tier, request: ReserveRequest, pointsPerSecond: number): Promise<void> {
    const key = idOf(tier);
    const leasing = this.#leasing.get(key);
    if (leasing) return leasing;
    const started = this.#leaseNow(tier, request, pointsPerSecond).finally(() => this.#leasing.delete(key));
    this.#leasing.set(key, started);
    return started;
  }

  /** Gives back what is left of the tier's chunk; what is in use of it follows when that is settled. */
  async giveUp(tier: Tier): Promise<void> {
    const key = idOf(tier);
    const held = this.#held.get(key);
    if (!held) return;
    this.#held.delete(key);
    held.cancelTimer();
    await held.chunk.close();
  }

  async close(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const { cancelTimer } of all) cancelTimer();
    await Promise.all(all.map(({ chunk }) => chunk.close()));
  }

  /** Chunks held, and their points that are not spent. */
  held(): { readonly chunks: number; readonly heldPoints: number } {
    let heldPoints = 0;
    for (const { chunk } of this.#held.values()) heldPoints += chunk.leftPoints;
    return { chunks: this.#held.size, heldPoints };
  }

  /** The largest chunk that a tier may have. */
  maxSizeOf({ limitPoints }: Tier): number {
    return Math.floor(limitPoints * this.#options.maxChunkShare);
  }

  #sizeOf(tier: Tier, pointsPerSecond: number): number {
    return Math.min(this.maxSizeOf(tier), Math.floor((pointsPerSecond * this.#options.chunkMs) / 1000));
  }

  async #leaseNow(tier: Tier, request: ReserveRequest, pointsPerSecond: number): Promise<void> {
    const { store, clock, chunkMs, onFailure } = this.#options;
    await this.giveUp(tier);
    this.#count += 1;
    const id = `${this.#prefix}-${this.#count.toString(36)}`;
    const points = this.#sizeOf(tier, pointsPerSecond);
    const keepMs = 2 * chunkMs;
    // What is spent of it last may be settled a whole lease later.
    const leaseMs = request.leaseMs + keepMs;
    const answer = await store.reserve({ ...request, id, tiers: [tier], points, leaseMs, isSpent: false });
    const state = answer.kind === 'admitted' ? answer.states[0] : undefined;
    if (!state) {
      this.#scarceUntilMs.set(idOf(tier), clock.nowMs() + chunkMs);
      return;
    }
    const chunk = new Chunk({ store, id, tier, points, state, atMs: clock.nowMs() });
    const cancelTimer = clock.after(keepMs, () => {
      this.giveUp(tier).catch(onFailure);
    });
    this.#held.set(idOf(tier), { chunk, cancelTimer });
  }
}

function idOf({ slot, key }: Tier): string {
  return `${slot} ${key}`;
}
