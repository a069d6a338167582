import type { BudgetState } from './budget.ts';
import type { TierState } from './budget-store.ts';

/** The text that the fields `RateLimit` and `RateLimit-Policy` follow; a later revision is a change of this line and its tests. */
export const rateLimitDraft = {
  revision: 'draft-ietf-httpapi-ratelimit-headers-10',
  url: 'https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10',
} as const;

/** Largest Integer of a structured field (RFC 9651 section 3.3.1). */
const maxInteger = 999_999_999_999_999;

/** What to tell of a caller's budget. */
export interface RateLimitFacts {
  readonly state: BudgetState;
  /** Of a refusal that waiting helps against. */
  readonly retryAfterMs?: number | undefined;
  /** Adds `X-RateLimit-Limit`, `-Remaining`, `-Used` and `-Reset` (epoch seconds, as GitHub has them) of the first tier, at this wall time. */
  readonly legacyAtWallMs?: number | undefined;
}

/** Header fields by name. */
export type RateLimitHeaders = Readonly<Record<string, string>>;

/**
 * The fields of one answer. `RateLimit-Policy`: a tier's points (`q`) come back within `w` seconds. `RateLimit`: points
 * left (`r`) and the seconds until they all are back (`t`, absent when full), never more than `Retry-After`, which wins
 * as the draft has it. `Retry-After` (RFC 9110 section 10.2.3): whole seconds, rounded up, 1 at least. The draft
 * registers no unit for points, so `qu` is left out and `weir-unit` says it. No tiers, no such fields.
 */
export function rateLimitHeaders({ state, retryAfterMs, legacyAtWallMs }: RateLimitFacts): RateLimitHeaders {
  const headers: Record<string, string> = {};
  const retryAfterS = retryAfterMs === undefined ? undefined : Math.max(1, secondsFrom(retryAfterMs));
  const { tiers } = state;
  const [first] = tiers;
  if (first) {
    headers['RateLimit-Policy'] = tiers.map(policyItem).join(', ');
    headers['RateLimit'] = tiers.map((tier) => limitItem(tier, retryAfterS)).join(', ');
  }
  if (retryAfterS !== undefined) headers['Retry-After'] = String(retryAfterS);
  if (first && legacyAtWallMs !== undefined) Object.assign(headers, legacyHeaders(first, legacyAtWallMs));
  return headers;
}

function policyItem({ name, limitPoints, restorePerSecond }: TierState): string {
  const windowS = Math.max(1, Math.ceil(limitPoints / restorePerSecond));
  return `${text(name)};q=${integer(limitPoints)};w=${integer(windowS)};weir-unit="points"`;
}

function limitItem({ name, remainingPoints, fullAfterMs }: TierState, retryAfterS = maxInteger): string {
  const item = `${text(name)};r=${integer(remainingPoints)}`;
  return fullAfterMs === 0 ? item : `${item};t=${integer(Math.min(secondsFrom(fullAfterMs), retryAfterS))}`;
}

function legacyHeaders(
  { limitPoints, remainingPoints, fullAfterMs }: TierState,
  wallMs: number,
): RateLimitHeaders {
  return {
    'X-RateLimit-Limit': integer(limitPoints),
    'X-RateLimit-Remaining': integer(remainingPoints),
    'X-RateLimit-Used': integer(limitPoints - remainingPoints),
    'X-RateLimit-Reset': integer(secondsFrom(wallMs + fullAfterMs)),
  };
}

function secondsFrom(ms: number): number {
  return Math.ceil(ms / 1000);
}

/** An Integer (RFC 9651 section 3.3.1). */
function integer(value: number): string {
  return String(Math.min(maxInteger, Math.floor(value)));
}

/** A String (RFC 9651 section 3.3.3); what is not printable ASCII cannot be in one. */
function text(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]/g, '?').replace(/[\\"]/g, '\\$&')}"`;
}
