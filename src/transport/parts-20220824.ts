import type { InitialPart, LaterPart, PendingPart } from '../operation/parts.ts';
import type { AnswerPath } from '../operation/typename-marks.ts';

type Incremental = NonNullable<LaterPart['incremental']>[number];
type Completed = NonNullable<LaterPart['completed']>[number];

/** Where something belongs that was announced. */
interface Place extends Pick<PendingPart, 'path'> {
  readonly label: string | undefined;
  /** Of a list: where its next item stands. */
  index: number | undefined;
}

/** A part of the older format. */
export type OlderPart = Readonly<Record<string, unknown>>;

/** One answer in the format of 2022-08-24. */
export interface OlderParts {
  readonly first: OlderPart;
  /** Undefined for a part of which this format has nothing to say. */
  readonly next: (part: LaterPart) => OlderPart | undefined;
}

/**
 * The same answer in the format of 2022-08-24, which announces nothing and tells with each part where it belongs. It is
 * not executed as in those days: a field that several fragments ask for comes once, and is paid for once.
 */
export function olderParts({ pending, ...initial }: InitialPart): OlderParts {
  const open = new Map<string, Place>();
  for (const place of announce(open, pending)) place.index = lengthOf(initial.data, place.path);
  return {
    first: initial,
    next: ({ pending: announced = [], incremental = [], completed = [], hasNext, extensions }) => {
      const added = announce(open, announced);
      const values: Values = new Map();
      const told = incremental.map((one) => {
        const place = placeOf(open, one.id);
        // A list that comes with this part stands in what was told before its first items.
        if (added.has(place)) place.index = lengthIn(values, place.path);
        return olderFrom(place, one, values);
      });
      for (const place of added) place.index ??= lengthIn(values, place.path);
      const failed = completed.flatMap((one) => failureFrom(placeOf(open, one.id), one) ?? []);
      for (const { id } of completed) open.delete(id);
      const all = [...told, ...failed];
      if (all.length === 0 && hasNext) return undefined;
      return { ...(all.length > 0 && { incremental: all }), hasNext, ...(extensions && { extensions }) };
    },
  };
}

/** What a part brings, by the place where it belongs. */
type Values = Map<string, unknown[]>;

function announce(open: Map<string, Place>, pending: readonly PendingPart[]): ReadonlySet<Place> {
  const added = new Set<Place>();
  for (const { id, path, label } of pending) {
    const place = { path, label, index: undefined };
    open.set(id, place);
    added.add(place);
  }
  return added;
}

function placeOf(open: ReadonlyMap<string, Place>, id: string): Place {
  const place = open.get(id);
  if (place) return place;
  throw new Error(`Expected a part that was announced, got the id "${id}".`);
}

function olderFrom(place: Place, one: Incremental, values: Values): OlderPart {
  const rest = {
    ...(place.label !== undefined && { label: place.label }),
    ...(one.errors && { errors: one.errors }),
  };
  if (!('items' in one)) {
    const path = [...place.path, ...(one.subPath ?? [])];
    bring(values, path, one.data);
    return { data: one.data, path, ...rest };
  }
  const { items } = one;
  const index = place.index ?? 0;
  for (const [offset, item] of items.entries()) bring(values, [...place.path, index + offset], item);
  place.index = index + items.length;
  return { items, path: [...place.path, index], ...rest };
}

/** What failed as a whole is null there. */
function failureFrom(place: Place, { errors }: Completed): OlderPart | undefined {
  if (!errors) return undefined;
  const rest = { ...(place.label !== undefined && { label: place.label }), errors };
  return place.index === undefined
    ? { data: null, path: place.path, ...rest }
    : { items: null, path: [...place.path, place.index], ...rest };
}

function bring(values: Values, path: AnswerPath, value: unknown): void {
  const key = path.join('/');
  const known = values.get(key);
  if (known) known.push(value);
  else values.set(key, [value]);
}

/** The length of the list at a place, as far as this part brings it; undefined where it brings none. */
function lengthIn(values: Values, path: AnswerPath): number | undefined {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    for (const value of values.get(path.slice(0, depth).join('/')) ?? []) {
      const length = lengthOf(value, path.slice(depth));
      if (length !== undefined) return length;
    }
  }
  return undefined;
}

function lengthOf(value: unknown, path: AnswerPath): number | undefined {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string | number, unknown>>)[key]; // as: whatever it is, it has members
  }
  return Array.isArray(at) ? at.length : undefined;
}
