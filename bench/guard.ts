import { parse } from 'graphql';
import { schema } from '../schema/index.ts';
import { systemClock } from '../src/clock.ts';
import { optionSections } from '../src/config/option-sections.ts';
import { createBudget } from '../src/guard/budget/budget.ts';
import { createMemoryStore } from '../src/guard/budget/memory-store.ts';
import { createBudgetPolicy } from '../src/guard/budget/policy.ts';
import { rateLimitHeaders } from '../src/guard/budget/rate-limit-headers.ts';
import { createCostModel } from '../src/guard/cost/cost-model.ts';
import { compilePrice } from '../src/guard/cost/price-plan.ts';
import { excessOfJson } from '../src/guard/shape/json-guard.ts';
import { excessOfVariables } from '../src/guard/shape/variables-guard.ts';
import { anonymousPrincipal } from '../src/identity/principal.ts';
import { createLog } from '../src/observe/log.ts';
import { createTimeline } from '../src/observe/timeline.ts';
import { createCharging } from '../src/operation/charging.ts';
import type { OperationContext } from '../src/operation/context.ts';
import type { Figures, RunOptions, Scenario } from './harness/scenario.ts';
import { quantile } from './harness/statistics.ts';
import { ordersPage, ordersScenario, weirProgram } from './orders.ts';

/** Evaluations before it counts, and those that count, one by one. */
const warmUpTurns = 50_000;
const countedTurns = 200_000;
/** Turns of a step that are timed together, and how often. */
const turnsPerSlice = 2000;
const slices = 101;

const limits = optionSections.limits.parse({});
const pages = optionSections.pages.parse({});
const document = parse(ordersPage);
const variables = { first: 20, after: 'AQ'.repeat(40) };
const body = JSON.stringify({ query: ordersPage, variables });
const endless = { limitPoints: 1e9, restorePerSecond: 1e6 };

/** What the executor counts for a page of 20 orders with 3 lines each. */
const counts: Readonly<Record<string, number>> = {
  ' Query': 1,
  'orders OrderConnection': 1,
  'orders.edges OrderEdge': 20,
  'orders.edges.node Order': 20,
  'orders.edges.node.total Money': 20,
  'orders.edges.node.customer User': 20,
  'orders.edges.node.lines OrderLine': 60,
  'orders.edges.node.lines.unitPrice Money': 60,
  'orders.edges.node.lines.product Product': 60,
  'orders.edges.node.lines.product.price Money': 60,
  'orders.pageInfo PageInfo': 1,
};

/** What each part of the guard takes, and what all of it adds to the gateway's CPU. */
export const guard: Scenario = {
  description: 'the price of the page of orders in microseconds, and the share of the guard in its CPU',
  run: async (options) => {
    const steps = stepFigures();
    const servers = await serverFigures(options);
    const [unguarded] = servers;
    const wholeUs = steps.at(-1)?.medianUs ?? Number.NaN;
    const sharePercent = (100 * wholeUs) / Number(unguarded?.['cpuUsPerRequest']);
    return [...steps, { name: 'share of it in the CPU of the gateway', sharePercent }, ...servers];
  },
};

/** Microseconds of each step: one by one for the price itself, in slices for what else is as quick as a clock. */
function stepFigures() {
  const model = createCostModel(schema, { pages });
  const plan = compilePrice(model, document);
  const budget = createBudget({ store: createMemoryStore({ clock: systemClock }) });
  const policyFor = createBudgetPolicy({ anonymous: endless });
  const principal = anonymousPrincipal('192.0.2.0/24');
  const policy = policyFor(principal, 'web');
  const { points } = plan.estimate(variables);
  const tally = { isCounted: true, entries: () => Object.entries(counts) };
  const state = budget.peek(policy);
  if (state instanceof Promise) throw new Error('Expected books that answer at once.');
  const reserveAndSettle = () => {
    const admission = budget.admit({ policy, points, isMutation: false });
    if (admission instanceof Promise || admission.kind === 'refused') throw new Error('Expected admission.');
    return admission.settle(points);
  };
  const charging = createCharging({
    model,
    budget,
    policyFor,
    variant: 'web',
    upstreamLimitPoints: {},
    isTold: () => true,
    log: createLog('silent'),
  });
  const known = { principal, timeline: createTimeline(systemClock), requestId: 'r', upstreams: {} };
  const context = known as unknown as OperationContext; // as: all that charging looks at
  const keys = Object.keys(counts);
  const values = Object.values(counts);
  const operation = { document, operationName: undefined, variables, isMutation: false, mode: undefined };
  const whole = () => {
    excessOfJson(body, limits);
    excessOfVariables(variables, limits);
    const charge = charging.begin(operation, context);
    if (charge instanceof Promise || charge.refusal()) throw new Error('Expected admission.');
    charge.tally.begin(keys, values);
    charge.settle();
    charge.recorded();
    rateLimitHeaders({ state: charge.state() });
    return JSON.stringify(charge.extension());
  };
  return [
    { name: 'compile the price (once per document)', ...inSlices(() => compilePrice(model, document), 20) },
    { name: 'price before it runs', ...oneByOne(() => plan.estimate(variables)) },
    { name: 'price of what it used', ...inSlices(() => plan.actual(variables, tally)) },
    { name: 'reserve and settle', ...inSlices(reserveAndSettle) },
    { name: 'RateLimit headers', ...inSlices(() => rateLimitHeaders({ state })) },
    { name: 'shape of the JSON', ...inSlices(() => excessOfJson(body, limits)) },
    { name: 'shape of the variables', ...inSlices(() => excessOfVariables(variables, limits)) },
    { name: 'all of it, extensions.cost too', ...inSlices(whole) },
  ];
}

/** Each turn by itself, the clock's own time included. */
function oneByOne(step: () => unknown) {
  for (let turn = 0; turn < warmUpTurns; turn += 1) step();
  const times = new Float64Array(countedTurns);
  for (let turn = 0; turn < countedTurns; turn += 1) {
    const startMs = performance.now();
    step();
    times[turn] = (performance.now() - startMs) * 1000;
  }
  return { ...quantiles([...times]), timed: 'one by one' };
}

/** Many turns together, many times; the quantiles are those of their means. */
function inSlices(step: () => unknown, turns = turnsPerSlice) {
  for (let turn = 0; turn < 5 * turns; turn += 1) step();
  const times = Array.from({ length: slices }, () => {
    const startMs = performance.now();
    for (let turn = 0; turn < turns; turn += 1) step();
    return ((performance.now() - startMs) * 1000) / turns;
  });
  return { ...quantiles(times), timed: `${turns} at a time` };
}

function quantiles(timesUs: readonly number[]) {
  const sorted = timesUs.toSorted((a, b) => a - b);
  return { medianUs: quantile(sorted, 0.5), p99Us: quantile(sorted, 0.99) };
}

/** The gateway beside itself without its guard, in pairs. */
function serverFigures(options: RunOptions): Promise<readonly Figures[]> {
  const { run } = ordersScenario('', (upstream, all) => {
    const guarded = weirProgram('guarded', upstream, all);
    const args = ['--import', './bench/peers/unguarded.ts', ...guarded.args];
    return [{ ...guarded, name: 'unguarded', args }, guarded];
  });
  return run(options);
}
