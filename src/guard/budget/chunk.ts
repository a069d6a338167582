import type { BudgetStore, MaybePromise, Tier, TierState } from './budget-store.ts';

/** What a chunk is made of. */
export interface ChunkOptions {
  readonly store: BudgetStore;
  /** The reservation in the shared store. */
  readonly id: string;
  readonly tier: Tier;
  readonly points: number;
  /** How the tier stood with the chunk taken, and when. */
  readonly state: TierState;
  readonly atMs: number;
}

/** Points of one tier, reserved in the shared store and spent here; settled there once, when it is closed and all is settled here. */
export class Chunk {
  readonly #options: ChunkOptions;
  #leftPoints: number;
  #openCount = 0;
  #isClosed = false;

  constructor(options: ChunkOptions) {
    this.#options = options;
    this.#leftPoints = options.points;
  }

  /** Points that may be spent from it: none when it is closed. */
  get leftPoints(): number {
    return this.#isClosed ? 0 : this.#leftPoints;
  }

  /** Takes `points` if it has them; whoever got them settles them. */
  take(points: number): boolean {
    if (this.leftPoints < points) return false;
    this.#leftPoints -= points;
    this.#openCount += 1;
    return true;
  }

  /** Takes back what was not used, or more points when more was. */
  settle(reservedPoints: number, actualPoints: number): MaybePromise<unknown> {
    this.#leftPoints += reservedPoints - actualPoints;
    this.#openCount -= 1;
    return this.#finish();
  }

  /** Ends the spending. Idempotent. */
  close(): MaybePromise<unknown> {
    if (this.#isClosed) return undefined;
    this.#isClosed = true;
    return this.#finish();
  }

  /** How the tier stands as far as this node knows: as it was, with what has been restored since and is left here. */
  stateAt(nowMs: number): TierState {
    const { state, atMs } = this.#options;
    const passedMs = nowMs - atMs;
    const restored = state.remainingPoints + (passedMs * state.restorePerSecond) / 1000;
    return this.addedTo({
      ...state,
      remainingPoints: Math.min(state.limitPoints, Math.floor(restored)),
      fullAfterMs: Math.max(0, Math.ceil(state.fullAfterMs - passedMs)),
    });
  }

  /** How the tier stands with what is left here, when this is how it stands in the shared store. */
  addedTo(state: TierState): TierState {
    const { limitPoints, remainingPoints, restorePerSecond, fullAfterMs } = state;
    const keptMs = (this.leftPoints * 1000) / restorePerSecond;
    return {
      ...state,
      remainingPoints: Math.max(0, Math.min(limitPoints, Math.floor(remainingPoints + this.leftPoints))),
      fullAfterMs: Math.max(0, Math.ceil(fullAfterMs - keptMs)),
    };
  }

  #finish(): MaybePromise<unknown> {
    if (!this.#isClosed || this.#openCount > 0) return undefined;
    const { store, id, tier, points } = this.#options;
    return store.settle({ id, tiers: [tier], points: points - this.#leftPoints });
  }
}
