import { invalidArgument, type Violation } from './status.ts';

const MAX_IDS = 500;

/** How long a text may be, in code points. */
export interface TextBounds {
  readonly min: number;
  readonly max: number;
}

/** Whether Postgres can hold a text: it has no zero character. No row has an id that it cannot hold. */
export function isStorable(text: string): boolean {
  return !text.includes('\0');
}

/** What is wrong with a text: nothing, or one violation. */
export function textViolations(field: string, text: string, { min, max }: TextBounds): Violation[] {
  const length = text.length > 2 * max ? text.length : [...text].length;
  if (length < min || length > max)
    return [{ field, description: `expected ${min} to ${max} characters, got ${length}` }];
  return isStorable(text) ? [] : [{ field, description: 'must not contain the zero character' }];
}

/**
 * The ids of a BatchGet that can exist. One that cannot is missing like any other: it must not fail those asked for with it.
 *
 * @throws INVALID_ARGUMENT unless there are 1 to 500.
 */
export function batchIds(ids: readonly string[]): string[] {
  if (ids.length >= 1 && ids.length <= MAX_IDS) return ids.filter(isStorable);
  throw invalidArgument({ field: 'ids', description: `expected 1 to ${MAX_IDS} ids, got ${ids.length}` });
}
