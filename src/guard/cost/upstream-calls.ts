import { countOf, type Evaluation, type FieldUse, itemsOf, type Place } from './formula.ts';
import { times } from './saturating.ts';
import type { FieldCall } from './weights.ts';

/** Calls that an operation makes, and their points by upstream. */
export interface Calls {
  calls: number;
  readonly upstreams: Record<string, number>;
}

/** Objects at one place of the answer. */
interface Gathering {
  readonly objects: number;
  /** Times at which they come at most: those that come together share their batches. */
  readonly arrivals: number;
  /** The loaders on the way to them, the innermost first. */
  readonly above: Loaders | undefined;
}

interface Loaders {
  readonly loader: string;
  readonly above: Loaders | undefined;
}

/** One walk over an operation. */
interface Walk {
  readonly evaluation: Evaluation;
  readonly root: Place;
}

/**
 * The most calls that one object at the root makes. At each place of the answer a batched field makes one call for each
 * `maxBatchSize` of its keys, any other one call for each object; objects of several types share no batch. The answers of
 * calls without a batch come one by one, and what is below each may be loaded before the next has come; so it is with
 * rows that another place has asked for already, and that are still on their way.
 */
export function exactCalls(evaluation: Evaluation, root: Place): Calls {
  const total = noCalls();
  addPlace({ evaluation, root }, root, { objects: 1, arrivals: 1, above: undefined }, total);
  return total;
}

function addPlace(walk: Walk, place: Place, gathering: Gathering, total: Calls): void {
  if (gathering.objects === 0 || place.calling.length === 0) return;
  if (gathering.objects > 1 || place.cases.length === 1) {
    // Objects of all cases may stand side by side, each with its own batches.
    for (const field of place.calling) addField(walk, field, gathering, total);
    return;
  }
  const cases = place.cases.map(({ fields }) => {
    const one = noCalls();
    for (const field of fields) if (place.calling.includes(field)) addField(walk, field, gathering, one);
    return one;
  });
  addDearest(total, cases);
}

function addField(walk: Walk, field: FieldUse, gathering: Gathering, total: Calls): void {
  const { objects } = gathering;
  for (const call of field.calls) {
    const keys = times(objects, keysOf(walk.evaluation, field, call));
    addCalls(total, call, callsFor(call, gathering, keys), keys);
  }
  if (!field.place?.calling.length) return;
  const below = {
    objects: times(objects, countOf(walk.evaluation, field)),
    arrivals: arrivalsBelow(walk, field, gathering),
    above: withLoaders(field, gathering.above),
  };
  addPlace(walk, field.place, below, total);
}

/** At most one for each object that the field is on. */
function arrivalsBelow(
  { root, evaluation }: Walk,
  field: FieldUse,
  { objects, arrivals, above }: Gathering,
): number {
  // Items that come one by one are completed one by one.
  if (field.isStreamed) return times(objects, countOf(evaluation, field));
  if (objects === 1) return 1;
  let most = arrivals;
  for (const { loader } of field.calls) {
    if (loader === undefined) return objects;
    const elsewhere = (root.loaders.get(loader) ?? 1) - 1;
    if (elsewhere === 0) continue;
    // Where all came together, the loads above have ended and those below have not begun.
    const inLine = arrivals > 1 ? 0 : (field.place?.loaders.get(loader) ?? 0) + timesIn(above, loader);
    most += elsewhere - inLine;
  }
  return Math.min(objects, most);
}

function withLoaders({ calls }: FieldUse, above: Loaders | undefined): Loaders | undefined {
  return calls.reduce((all, { loader }) => (loader === undefined ? all : { loader, above: all }), above);
}

function timesIn(loaders: Loaders | undefined, loader: string): number {
  let count = 0;
  for (let at = loaders; at; at = at.above) if (at.loader === loader) count += 1;
  return count;
}

/** Keys that one object loads. An empty page asks for one row all the same: it tells whether there is a page. */
function keysOf(evaluation: Evaluation, field: FieldUse, { keys }: FieldCall): number {
  if (keys !== 'items') return 1;
  const items = itemsOf(evaluation, field);
  return field.handedDown.length > 0 ? Math.max(1, items) : items;
}

/** Each arrival but one may leave a batch that is not full. */
function callsFor({ loader, maxBatchSize }: FieldCall, gathering: Gathering, keys: number): number {
  if (loader === undefined) return gathering.objects;
  if (keys === 0) return 0;
  const full = maxBatchSize === undefined ? 1 : Math.ceil(keys / maxBatchSize);
  return Math.min(keys, full + gathering.arrivals - 1);
}

/** As {@link exactCalls} without batches, which makes calls proportional to objects: for formulas that share places. */
export function coarseCalls(evaluation: Evaluation, root: Place): Calls {
  const known = new Map<Place, Calls>();

  function ofPlace(place: Place): Calls {
    const remembered = known.get(place);
    if (remembered) return remembered;
    const total = noCalls();
    for (const field of place.calling) {
      for (const call of field.calls) {
        const keys = keysOf(evaluation, field, call);
        addCalls(total, call, call.loader === undefined ? 1 : keys, keys);
      }
      if (field.place) addTimes(total, countOf(evaluation, field), ofPlace(field.place));
    }
    known.set(place, total);
    return total;
  }

  return ofPlace(root);
}

/** For each number by itself the larger of both. */
export function dearestCalls(all: readonly Calls[]): Calls {
  const total = noCalls();
  addDearest(total, all);
  return total;
}

function noCalls(): Calls {
  return { calls: 0, upstreams: {} };
}

function addCalls(
  total: Calls,
  { upstream, call = 1, perKey = 0 }: FieldCall,
  calls: number,
  keys: number,
): void {
  total.calls += calls;
  addPoints(total, upstream, times(calls, call) + times(keys, perKey));
}

function addPoints({ upstreams }: Calls, upstream: string, points: number): void {
  upstreams[upstream] = (upstreams[upstream] ?? 0) + points;
}

function addTimes(total: Calls, count: number, { calls, upstreams }: Calls): void {
  total.calls += times(count, calls);
  for (const [upstream, points] of Object.entries(upstreams))
    addPoints(total, upstream, times(count, points));
}

function addDearest(total: Calls, cases: readonly Calls[]): void {
  total.calls += Math.max(...cases.map(({ calls }) => calls));
  for (const upstream of new Set(cases.flatMap(({ upstreams }) => Object.keys(upstreams)))) {
    addPoints(total, upstream, Math.max(...cases.map(({ upstreams }) => upstreams[upstream] ?? 0)));
  }
}
