import { invalidArgument } from './status.ts';

const MAX_IDS = 500;
const MAX_CHARACTERS = 128;

/**
 * The ids of a batch, each once.
 *
 * @throws INVALID_ARGUMENT unless there are 1 to `max` (500) of them, each of 1 to 128 characters.
 */
export function distinctIds(
  ids: readonly string[],
  field = 'ids',
  { min = 1, max = MAX_IDS } = {},
): string[] {
  if (ids.length < min || ids.length > max) {
    throw invalidArgument({ field, description: `expected ${min} to ${max} ids, got ${ids.length}` });
  }
  const wrong = ids.findIndex((id) => !isId(id));
  if (wrong >= 0) throw invalidArgument(violation(`${field}[${wrong}]`));
  return [...new Set(ids)];
}

/** @throws INVALID_ARGUMENT unless `id` has 1 to 128 characters. */
export function assertId(id: string, field: string): void {
  if (!isId(id)) throw invalidArgument(violation(field));
}

/** Postgres has no zero character in text. */
function isId(id: string): boolean {
  return id.length > 0 && id.length <= MAX_CHARACTERS && !id.includes('\0');
}

function violation(field: string) {
  return { field, description: `expected an id of 1 to ${MAX_CHARACTERS} characters` };
}
