import type { Violation } from './status.ts';

/** How long a text may be, in code points. */
export interface TextBounds {
  readonly min: number;
  readonly max: number;
}

/** An id (ids.ts). */
export const ID_BOUNDS: TextBounds = { min: 1, max: 128 };

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
