import type { ReserveAnswer, ReserveRequest, Tier } from '../../../src/guard/budget/budget-store.ts';

let made = 0;

/** A tier of its own; slow enough that no test sees a point come back, unless it says otherwise. */
export function tierOf(numbers: Partial<Tier> = {}): Tier {
  made += 1;
  const name = numbers.name ?? 'principal';
  return {
    name,
    key: `${name}/${process.pid}-${made}`,
    slot: 'tenant/one',
    limitPoints: 1_000,
    restorePerSecond: 0.01,
    ...numbers,
  };
}

/** A request for `points` of `tiers`, under an id of its own. */
export function requestOf(
  tiers: readonly Tier[],
  points: number,
  rest: Partial<ReserveRequest> = {},
): ReserveRequest {
  made += 1;
  return { id: `id-${process.pid}-${made}`, tiers, points, leaseMs: 60_000, ...rest };
}

/** The whole points left in each tier, as an answer has them. */
export function leftIn(answer: ReserveAnswer): readonly number[] {
  if (answer.kind === 'unavailable') throw new Error('The store was unavailable.');
  return answer.states.map(({ remainingPoints }) => remainingPoints);
}
