import type { Clock } from '../clock.ts';
import type { Principal } from '../identity/principal.ts';
import { ConnectRate } from './connect-rate.ts';

/** A connection that outlives its requests. */
export interface LongConnection {
  /** Its ends, see {@link peerName}. */
  readonly peer: string;
  /** Ends it so that its client comes back: see the end `drain` of endTable. Idempotent. */
  readonly drain: () => void;
  /** Ends it for good when the token that it was opened with is revoked; whether it did. */
  readonly endIfRevoked: () => boolean;
  /** Cuts it off. */
  readonly destroy: () => void;
}

/** Bounds of {@link Connections}. */
export interface ConnectionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerPrincipal: number;
  /** How many may begin in a second, and as many at once after a quiet one. */
  readonly maxConnectsPerSecond: number;
}

/** Why there is no room: for anybody, for anybody at this moment, or for this principal. */
export type NoRoom = 'draining' | 'connections' | 'rate' | 'principal';

/** The long connections of this process: whether one more may come, and all of them for the drain. */
export class Connections {
  readonly open = new Set<LongConnection>();
  /** Set for good once the gateway stops. */
  isDraining = false;
  readonly #limits: ConnectionLimits;
  readonly #rate: ConnectRate;
  readonly #byPrincipal = new Map<string, number>();

  constructor(limits: ConnectionLimits, clock: Clock) {
    this.#limits = limits;
    this.#rate = new ConnectRate(limits.maxConnectsPerSecond, clock);
  }

  /** Why there is no room for one more connection; undefined when there is. */
  fault(): NoRoom | undefined {
    return this.#lastingFault() ?? (this.#rate.hasPlace() ? undefined : 'rate');
  }

  /** Counts one more connection that begins now; says why there is no room for it, and then counts nothing. */
  admit(): NoRoom | undefined {
    return this.#lastingFault() ?? (this.#rate.take() ? undefined : 'rate');
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

  /** What holds until others have left. */
  #lastingFault(): NoRoom | undefined {
    if (this.isDraining) return 'draining';
    return this.open.size >= this.#limits.maxConnections ? 'connections' : undefined;
  }
}
