import type { GraphQLSchema } from 'graphql';
import { createBudget } from '../../src/guard/budget/budget.ts';
import { createMemoryStore } from '../../src/guard/budget/memory-store.ts';
import { createBudgetPolicy } from '../../src/guard/budget/policy.ts';
import { createCostModel } from '../../src/guard/cost/cost-model.ts';
import { type Charging, type ChargingParts, createCharging } from '../../src/operation/charging.ts';
import { createFakeClock } from './fake-clock.ts';
import { createCollectingLog } from './tiny-gateway.ts';

/** Charging for pipelines under test: prices are told to everybody, and nothing is metered unless `parts` say otherwise. */
export function chargingOf(schema: GraphQLSchema, parts: Partial<ChargingParts> = {}): Charging {
  return createCharging({
    model: createCostModel(schema, { pages: { defaultSize: 20, maxSize: 100 } }),
    budget: createBudget({ store: createMemoryStore({ clock: createFakeClock() }) }),
    policyFor: createBudgetPolicy({ mode: 'off' }),
    variant: 'web',
    upstreamLimitPoints: {},
    isTold: () => true,
    log: createCollectingLog(),
    ...parts,
  });
}
