import { invalidArgument } from './status.ts';

const MAX_IDS = 500;
const MAX_CHARACTERS = 128;

/**
 * The ids of a batch that can exist, each once. One that cannot is missing like any other that is not there: in a batch of
 * many askers it must not fail the others.
 *
 * @throws INVALID_ARGUMENT unless there are `min` (1) to `max` (500) ids.
 */
export function distinctIds(
  ids: readonly string[],
  field = 'ids',
  { min = 1, max = MAX_IDS } = {},
): string[] {
  if (ids.length < min || ids.length > max) {
    throw invalidArgument({ field, description: `expected ${min} to ${max} ids, got ${ids.length}` });
  }
  return [...new Set(ids.filter(isId))];
}

/** @throws INVALID_ARGUMENT unless `id` has 1 to 128 characters. */
export function assertId(id: string, field: string): void {
  if (isId(id)) return;
  throw invalidArgument({ field, description: `expected an id of 1 to ${MAX_CHARACTERS} characters` });
}

/** Postgres has no zero character in text. */
function isId(id: string): boolean {
  return id.length > 0 && id.length <= MAX_CHARACTERS && !id.includes('\0');
}
