import { locatedError } from 'graphql';
import { Load, type LoadListener } from '../batch/load.ts';
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
  const slot = new PendingSlot(info, shape, parent, key, complete);
  addPending(slot, 1);
  if (value instanceof Load) value.listen(slot);
  else waitFor(value, slot);
}

function waitFor<Value>(value: PromiseLike<Value>, slot: LoadListener<Value>): void {
  // What is no Promise of ours might call at once, amid the fields of its object.
  const promise = value instanceof Promise ? value : Promise.resolve(value);
  promise.then(
    (settled) => slot.fulfilled(settled),
    (reason) => slot.rejected(reason),
  );
}

/** The place of a value that comes later, with all that it takes to go on: one object for each that an answer waits for. */
class PendingSlot<Of extends Shape, Value> extends Slot implements LoadListener<Value> {
  readonly info: FieldInfo;
  readonly shape: Of;
  readonly above: Slot;
  readonly complete: Completion<Of, Value>;

  constructor(
    info: FieldInfo,
    shape: Of,
    parent: Slot,
    key: string | number,
    complete: Completion<Of, Value>,
  ) {
    super(parent, key, info.field, shape.isNonNull, parent.members);
    this.info = info;
    this.shape = shape;
    this.above = parent;
    this.complete = complete;
  }

  fulfilled(value: Value): void {
    if (this.#isDropped()) return;
    try {
      this.complete(this.info, this.shape, this.above, this.key, value);
      addPending(this, -1);
    } catch (thrown) {
      fail(this.info.run, this, thrown);
    }
    tellIdle(this.info.run);
  }

  rejected(reason: unknown): void {
    if (this.#isDropped()) return;
    fail(this.info.run, this, reason);
    tellIdle(this.info.run);
  }

  /** While there is no error, null stands for none: most answers never look. */
  #isDropped(): boolean {
    return this.info.run.errors.length > 0 && isDropped(this);
  }
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
