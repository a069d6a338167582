import type { Principal } from '../identity/principal.ts';

/** A connection that outlives its requests. */
export interface LongConnection {
  /** Its ends, see {@link peerName}. */
  readonly peer: string;
  /** Ends it so that its client comes back: see the end `drain` of endTable. Idempotent. */
  readonly drain: () => void;
  /** Cuts it off. */
  readonly destroy: () => void;
}

/** Bounds of {@link Connections}. */
export interface ConnectionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerPrincipal: number;
}

/** Why there is no room: for anybody, or for this principal. */
export type NoRoom = 'draining' | 'connections' | 'principal';

/** The long connections of this process: whether one more may come, and all of them for the drain. */
export class Connections {
  readonly open = new Set<LongConnection>();
  /** Set for good once the gateway stops. */
  isDraining = false;
  readonly #limits: ConnectionLimits;
  readonly #byPrincipal = new Map<string, number>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Why there is no room for one more connection; undefined when there is. */
  fault(): NoRoom | undefined {
    if (this.isDraining) return 'draining';
    return this.open.size >= this.#limits.maxConnections ? 'connections' : undefined;
  }

  /** Counts one more connection of a principal; false when that has as many as it may. */
  claim({ audienceKeys }: Principal): boolean {
    const held = this.#byPrincipal.get(audienceKeys.viewer) ?? 0;
    if (held >= this.#limits.maxConnectionsPerPrincipal) return false;
    this.#byPrincipal.set(audienceKeys.viewer, held + 1);
    return true;
  }

  /** Gives back what {@link claim} gave. */
  release({ audienceKeys }: Principal): void {
    const held = this.#byPrincipal.get(audienceKeys.viewer) ?? 0;
    if (held > 1) this.#byPrincipal.set(audienceKeys.viewer, held - 1);
    else this.#byPrincipal.delete(audienceKeys.viewer);
  }
}
