import { hash } from 'node:crypto';
import { canonicalJson } from '../canonical-json.ts';
import { keyNames } from './key.ts';

/** What was asked under a key. Headers are no part of it. */
export interface Asked {
  /** The face of the graph that was asked: an answer of one says what another may not. */
  readonly variant: string;
  /** The document's text. */
  readonly document: string;
  readonly operationName: string | null | undefined;
  /** Coerced, with defaults: a default that is written out is the same question. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** Whose key it is: what tells this principal from all others that must not share answers. */
  readonly owner: readonly (string | null)[];
  readonly key: string;
}

/**
 * SHA-256 in hexadecimal of one text for what was asked: equal for variables in another order and for the key in another
 * place, different for all else. Throws TypeError for a value of a scalar that has neither `toJSON` nor members of its own.
 */
export function fingerprintOf({ variant, document, operationName, variables, owner, key }: Asked): string {
  const asked = [variant, hash('sha256', document), operationName ?? null, plainOf(variables, key), owner];
  return hash('sha256', canonicalJson(asked));
}

/** Where the record of a key is kept: no store learns keys, and two owners of one key have two records. */
export function recordIdOf({ owner, key }: Pick<Asked, 'owner' | 'key'>): string {
  return hash('sha256', JSON.stringify([owner, key]));
}

/** Values of scalars as plain data, told apart by their class; and the key is no part of what it stands for. */
function plainOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => plainOf(item, key));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return plainOfClass(value, key);
  const members = Object.entries(value).filter(
    ([name, member]) => name !== keyNames.member || member !== key,
  );
  return Object.fromEntries(members.map(([name, member]) => [name, plainOf(member, key)]));
}

function plainOfClass(value: object, key: string): unknown {
  const { name } = value.constructor;
  if ('toJSON' in value && typeof value.toJSON === 'function') return [name, plainOf(value.toJSON(), key)];
  if (Object.keys(value).length > 0) return [name, plainOf({ ...value }, key)];
  throw new TypeError(
    `Expected the value of a variable to be plain data or to have toJSON(), got a ${name} that has neither.`,
  );
}
