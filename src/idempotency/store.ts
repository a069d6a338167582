import type { StoredAnswer } from './stored-answer.ts';

/** How long a claim holds without a heartbeat, and how long a record is kept after its last change, in milliseconds. */
export const keyTimes = { leaseMs: 30_000, retentionMs: 24 * 3_600_000 } as const;

/** Who wants to run what a key stands for. */
export interface ClaimRequest {
  /** See recordIdOf. */
  readonly id: string;
  readonly fingerprint: string;
  /** Random, new for each attempt to run: who has it holds the claim. */
  readonly token: string;
  /** Whether it may run again when nobody knows whether it has: what is behind it takes a key once. */
  readonly isRepeatable: boolean;
}

/** A claim that was given. */
export interface Holder extends Omit<ClaimRequest, 'isRepeatable'> {
  /** 1 for the first who runs it, one more for each who takes over. */
  readonly attempt: number;
}

/** What becomes of a wish to run. */
export type Claim =
  /** It is yours: run it, then {@link IdempotencyStore.complete}, `release` or `abandon`. */
  | { readonly kind: 'claimed'; readonly attempt: number }
  /** Somebody runs it, at least until then unless they are done before. */
  | { readonly kind: 'running'; readonly leaseLeftMs: number }
  | { readonly kind: 'done'; readonly answer: StoredAnswer }
  /** The key stands for something else. */
  | { readonly kind: 'mismatch' }
  /** It may have run, nobody knows, and it must not run again. */
  | { readonly kind: 'unknown' };

/** Whether an answer is now the answer of its key; if not, whose is, when there is one. */
export type Completion =
  | { readonly kind: 'kept' }
  | { readonly kind: 'lost'; readonly answer: StoredAnswer | undefined };

/**
 * What is known of each key: absent, `running` (somebody holds it), `done` (its answer), `unknown` (it may have had its
 * effect). All that share a store see one order of calls for each key.
 *
 * Atomicity: each call is one step, however many come at once; only one of them is given a claim. Time is the store's own.
 * Leases: a claim lapses {@link keyTimes}`.leaseMs` after its claim or last extension; from then on another may take it
 * over, with a new token and the next attempt, if it is repeatable. Whoever lost a claim changes nothing any more.
 * Answers: `done` never changes until it is forgotten, 24 h after it was written.
 * Repetition: every call may be repeated with the same token when its reply was lost; the outcome is the same.
 * Loss: a store may forget (a failover, an eviction, the bound of a memory). The holder of a forgotten claim writes it
 * anew. So a store alone does not make an effect happen once: the unique row of the service behind it does.
 * A store that is away rejects.
 */
export interface IdempotencyStore {
  /** Claims, or says why not. A mismatch comes before all else. */
  readonly claim: (request: ClaimRequest) => Promise<Claim>;
  /** Prolongs the lease from now on; false when the claim is another's or has ended. */
  readonly extend: (holder: Holder) => Promise<boolean>;
  /** Makes `answer` the answer of the key, unless the claim is another's. */
  readonly complete: (holder: Holder, answer: StoredAnswer) => Promise<Completion>;
  /**
   * Forgets the key: it certainly had no effect. After another attempt, of which that is not certain, it is abandoned.
   * Does nothing to another's claim.
   */
  readonly release: (holder: Holder) => Promise<void>;
  /** Keeps the key as one that may have had its effect. Does nothing to another's claim. */
  readonly abandon: (holder: Holder) => Promise<void>;
  /** Ends what the store has opened itself. Idempotent. */
  readonly close: () => Promise<void>;
}
