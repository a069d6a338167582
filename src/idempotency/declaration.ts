/**
 * What a mutation field says of keys: `required` refuses an operation without one, `supported` takes one. Both mean that
 * what is behind the field takes a key once, so that it may run again under the same key when nobody knows whether it has.
 */
export type IdempotencyDeclaration = 'required' | 'supported';

/** Name of the extension of a field that holds its {@link IdempotencyDeclaration}. */
export const idempotencyExtension = 'weirIdempotency';

/** What a field declares; undefined for nothing. */
export function declarationOf(
  extensions: Readonly<Record<string, unknown>>,
): IdempotencyDeclaration | undefined {
  const value = extensions[idempotencyExtension];
  return value === 'required' || value === 'supported' ? value : undefined;
}
