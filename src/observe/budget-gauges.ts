import { Gauge, type Registry } from 'prom-client';

/** What a scrape shows of budgets that several nodes share. */
export interface BudgetSample {
  readonly breaker: string;
  readonly failures: number;
  readonly fallbacks: Readonly<Record<string, number>>;
  readonly unsettled: number;
  readonly dropped: number;
  /** Points that this node may admit without asking: beyond the exact budgets by that much at most. */
  readonly heldPoints: number;
  readonly localReservations: number;
  readonly sharedReservations: number;
  readonly nodes: number;
}

const breakerStates = ['closed', 'open', 'probing'] as const;

/** Numbers of a sample that are gauges as they are. */
const gauges = {
  failures: ['weir_budget_store_failures', 'Calls to the shared budgets that failed or took too long.'],
  unsettled: ['weir_budget_unsettled', 'Settlements that wait for the return of the shared budgets.'],
  dropped: ['weir_budget_settlements_dropped', 'Settlements that were given up: charged as estimated.'],
  heldPoints: ['weir_budget_held_points', 'Points that this node holds and may admit without asking.'],
  localReservations: ['weir_budget_local_reservations', 'Reservations that needed no round trip.'],
  sharedReservations: ['weir_budget_shared_reservations', 'Reservations that asked the shared budgets.'],
  nodes: ['weir_budget_nodes', 'Nodes that share the budgets, as last known.'],
} as const satisfies Partial<Record<keyof BudgetSample, readonly [string, string]>>;

/** Gauges of shared budgets; the function that is returned reads them anew. */
export function createBudgetGauges(registry: Registry, sample: () => BudgetSample): () => void {
  const registers = [registry];
  const numbers = Object.entries(gauges).map(([member, [name, help]]) => {
    const gauge = new Gauge({ name, help, registers });
    return (of: BudgetSample) => gauge.set(of[member as keyof typeof gauges]); // as: a key of the table
  });
  const breaker = new Gauge({
    name: 'weir_budget_breaker',
    help: 'State of the breaker before the shared budgets: 1 for the state it is in, 0 for the others.',
    labelNames: ['state'],
    registers,
  });
  const fallbacks = new Gauge({
    name: 'weir_budget_fallbacks',
    help: 'Reservations that were answered without the shared budgets, by what their policy wants.',
    labelNames: ['policy'],
    registers,
  });
  return () => {
    const now = sample();
    for (const set of numbers) set(now);
    for (const state of breakerStates) breaker.set({ state }, Number(now.breaker === state));
    for (const [policy, count] of Object.entries(now.fallbacks)) fallbacks.set({ policy }, count);
  };
}
