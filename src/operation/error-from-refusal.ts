import { WeirError } from '../errors.ts';
import type { Refused } from '../guard/budget/budget.ts';

/** A refusal of a budget as clients are told of it, with its numbers; `what` was refused begins the sentence. */
export function errorFromRefusal(
  { code, numbers, retryAfterMs }: Pick<Refused, 'code' | 'numbers' | 'retryAfterMs'>,
  what: 'The operation' | 'The event',
): WeirError {
  const extensions = { ...numbers, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  if (!numbers) return new WeirError(code, { extensions });
  const { tier, costPoints, limitPoints, remainingPoints = 0 } = numbers;
  const message =
    code === 'COST_LIMIT_EXCEEDED'
      ? `${what} costs ${costPoints} points, and ${limitOf(tier)} is ${limitPoints}. Ask for smaller pages or fewer fields.`
      : `${what} costs ${costPoints} points, and ${remainingPoints} of ${limitPoints} are left in the budget "${tier}". Try again in ${secondsFrom(retryAfterMs)} s.`;
  return new WeirError(code, { message, extensions });
}

function limitOf(tier: string): string {
  return tier === 'operation' ? 'the most that one may cost' : `all that the budget "${tier}" ever holds`;
}

function secondsFrom(ms = 0): number {
  return Math.ceil(ms / 1000);
}
