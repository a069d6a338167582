import { createTally } from '../../src/guard/cost/tally.ts';
import type { Charge } from '../../src/operation/charge.ts';
import type { Charging, ChargingParts } from '../../src/operation/charging.ts';

/** What unguarded.ts puts in the place of src/operation/charging.ts and the guards of shape. */
export function createCharging(_parts: ChargingParts): Charging {
  const state = { tiers: [] };
  const begin = (): Partial<Charge> => ({
    // The executor counts whether anybody asks or not.
    tally: createTally(),
    refusal: () => undefined,
    settle: () => {},
    state: () => state,
    rateLimit: () => null,
    extension: () => undefined,
    recorded: () => ({ estimatePoints: 1, actualPoints: 1, upstreamCalls: 0, refused: undefined }),
  });
  return { begin } as unknown as Charging; // as: all that the pipeline asks of it for a query
}

export function excessOfJson(): undefined {
  return undefined;
}

export function excessOfVariables(): undefined {
  return undefined;
}
