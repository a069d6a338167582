import { locatedError } from 'graphql';
import type { FieldInfo, Run } from './field-info.ts';
import type { Shape } from './plan.ts';
import { addPending, isDropped, nullify, pathKeys, Slot } from './slot.ts';

/** Puts a value that is there in its place, at `key` of its parent; throws when it failed. */
export type Completion<Of extends Shape, Value> = (
  info: FieldInfo,
  shape: Of,
  parent: Slot,
  key: string | number,
  value: Value,
) => void;

/** Goes on with a value when it comes, unless null stands for an error above it by then. */
export function completeLater<Of extends Shape, Value>(
  info: FieldInfo,
  shape: Of,
  parent: Slot,
  key: string | number,
  value: PromiseLike<Value>,
  complete: Completion<Of, Value>,
): void {
  // Holds its place among the names of the object.
  parent.members[key] = undefined;
  const slot = new Slot(parent, key, info.field, shape.isNonNull, parent.members);
  addPending(slot, 1);
  // What is no Promise of ours might call at once, amid the fields of its object.
  const promise = value instanceof Promise ? value : Promise.resolve(value);
  promise.then(
    (settled: Value) => {
      if (isDropped(slot)) return;
      try {
        complete(info, shape, parent, key, settled);
        addPending(slot, -1);
      } catch (thrown) {
        fail(info.run, slot, thrown);
      }
      tellIdle(info.run);
    },
    (reason) => {
      if (isDropped(slot)) return;
      fail(info.run, slot, reason);
      tellIdle(info.run);
    },
  );
}

/** GraphQL specification, section 6.4.4: null goes up to the first place where it may stand. */
function fail(run: Run, slot: Slot, thrown: unknown): void {
  run.errors.push(locatedError(thrown, slot.field?.nodes, slot.parent && pathKeys(slot.parent, slot.key)));
  let at = slot;
  while (at.isNonNull && at.parent) at = at.parent;
  nullify(at);
}

function tellIdle({ root, onIdle }: Run): void {
  if (root.pending === 0) onIdle();
}
