import type { GraphQLResolveInfo } from 'graphql';
import type { FieldPlan } from './plan.ts';

/** Where in the answer a value stands, as resolvers read it. */
export type Path = GraphQLResolveInfo['path'];

/** The members of an object of the answer by response name, or the items of a list by index. */
export type Members = Record<string | number, unknown>;

/**
 * The place in the answer of an object, of a list, or of a value that comes later. It knows what is above it, so that null
 * can go up from it and an error can tell its path; a leaf that is there at once has none. A class, because an answer
 * has one for each of its objects.
 */
export class Slot {
  /** Undefined for the root. */
  readonly parent: Slot | undefined;
  readonly key: string | number;
  /** The field whose value this is, or is part of. */
  readonly field: FieldPlan | undefined;
  readonly isNonNull: boolean;
  /** What stands there: the values of the slots below are put into it. */
  readonly members: Members;
  /** How many values, here and below, are still to come. */
  pending = 0;
  /** Whether null stands here for an error, so that nobody waits for what is below. */
  isNulled = false;

  constructor(
    parent: Slot | undefined,
    key: string | number,
    field: FieldPlan | undefined,
    isNonNull: boolean,
    members: Members,
  ) {
    this.parent = parent;
    this.key = key;
    this.field = field;
    this.isNonNull = isNonNull;
    this.members = members;
  }
}

/** Whether null stands for an error here or above. */
export function isDropped(slot: Slot): boolean {
  for (let at: Slot | undefined = slot; at; at = at.parent) if (at.isNulled) return true;
  return false;
}

/** Adds to the values that are still to come, here and above; a negative number takes away. */
export function addPending(slot: Slot, count: number): void {
  for (let at: Slot | undefined = slot; at; at = at.parent) at.pending += count;
}

/** Puts null here for an error. */
export function nullify(slot: Slot): void {
  addPending(slot, -slot.pending);
  slot.isNulled = true;
  if (slot.parent) slot.parent.members[slot.key] = null;
}

/** The path to what stands at `key` of a slot. */
export function pathOf(parent: Slot, key: string | number, typename: string | undefined): Path {
  const { parent: above, field } = parent;
  const isItem = typeof parent.key === 'number';
  const prev = above && pathOf(above, parent.key, isItem ? undefined : field?.parentType.name);
  return { prev, key, typename };
}

/** The path of an error at `key` of a slot: response names and indexes from the root. */
export function pathKeys(parent: Slot, key: string | number): (string | number)[] {
  const keys = [key];
  for (let at = parent; at.parent; at = at.parent) keys.push(at.key);
  return keys.reverse();
}
