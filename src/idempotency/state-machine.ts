import { type Claim, type ClaimRequest, type Completion, type Holder, keyTimes } from './store.ts';
import type { StoredAnswer } from './stored-answer.ts';

/** What is known of a key. */
export type KeyRecord = {
  readonly fingerprint: string;
  /** Of who claimed it last. */
  readonly token: string;
  readonly attempt: number;
} & (
  | { readonly state: 'running'; readonly leaseEndMs: number }
  | { readonly state: 'unknown' }
  | { readonly state: 'done'; readonly answer: StoredAnswer }
);

/** The reply to a call, and the record after it: unchanged when it is absent, forgotten when it is null. */
export interface Step<Reply> {
  readonly reply: Reply;
  readonly next?: KeyRecord | null;
}

type Known = KeyRecord | undefined;

/** The moves of {@link IdempotencyStore}, without I/O; redis-scripts.ts has the same in Lua. */
export const stateMachine = {
  claim: (record: Known, request: ClaimRequest, nowMs: number): Step<Claim> => {
    if (!record) return claimed(request, 1, nowMs);
    if (record.fingerprint !== request.fingerprint) return { reply: { kind: 'mismatch' } };
    if (record.state === 'done') return { reply: { kind: 'done', answer: record.answer } };
    // The same claim again: its reply was lost.
    if (record.token === request.token) return claimed(request, record.attempt, nowMs);
    const leaseLeftMs = record.state === 'running' ? record.leaseEndMs - nowMs : 0;
    if (leaseLeftMs > 0) return { reply: { kind: 'running', leaseLeftMs } };
    if (!request.isRepeatable) return { reply: { kind: 'unknown' } };
    return claimed(request, record.attempt + 1, nowMs);
  },

  extend: (record: Known, holder: Holder, nowMs: number): Step<boolean> => {
    const isHeld = !record || (record.token === holder.token && record.state === 'running');
    return isHeld ? { reply: true, next: running(holder, holder.attempt, nowMs) } : { reply: false };
  },

  complete: (record: Known, holder: Holder, answer: StoredAnswer): Step<Completion> => {
    if (record && record.token !== holder.token)
      return {
        reply: { kind: 'lost', answer: record.state === 'done' ? record.answer : undefined },
      };
    if (record?.state === 'done') return { reply: { kind: 'kept' } };
    return { reply: { kind: 'kept' }, next: { ...recordOf(holder, holder.attempt), state: 'done', answer } };
  },

  release: (record: Known, holder: Holder): Step<undefined> => {
    if (!record || record.token !== holder.token || record.state === 'done') return { reply: undefined };
    return { reply: undefined, next: record.attempt === 1 ? null : unknown(holder) };
  },

  abandon: (record: Known, holder: Holder): Step<undefined> => {
    if (record && (record.token !== holder.token || record.state === 'done')) return { reply: undefined };
    return { reply: undefined, next: unknown(holder) };
  },
} as const;

function claimed(request: ClaimRequest, attempt: number, nowMs: number): Step<Claim> {
  return { reply: { kind: 'claimed', attempt }, next: running(request, attempt, nowMs) };
}

type Claimant = Pick<Holder, 'fingerprint' | 'token'>;

function running(claimant: Claimant, attempt: number, nowMs: number): KeyRecord {
  return { ...recordOf(claimant, attempt), state: 'running', leaseEndMs: nowMs + keyTimes.leaseMs };
}

function unknown(holder: Holder): KeyRecord {
  return { ...recordOf(holder, holder.attempt), state: 'unknown' };
}

function recordOf({ fingerprint, token }: Claimant, attempt: number) {
  return { fingerprint, token, attempt };
}
