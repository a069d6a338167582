import { refusal } from './refusal.ts';

/** A global id: base64url of `Typename:id`. */
export function globalId(typename: string, id: string): string {
  return Buffer.from(`${typename}:${id}`).toString('base64url');
}

/** What a global id names; refuses every text that {@link globalId} does not make. */
export function readGlobalId(given: string): { readonly typename: string; readonly id: string } {
  const text = Buffer.from(given, 'base64url').toString();
  const colon = text.indexOf(':');
  const typename = text.slice(0, colon);
  const id = text.slice(colon + 1);
  const isOne = /^[A-Za-z_]\w*$/.test(typename) && id !== '' && globalId(typename, id) === given;
  if (!isOne || given.length > 256) throw refusal('BAD_USER_INPUT');
  return { typename, id };
}

/** The id behind a global id of that type. */
export function idOf(typename: string, given: string): string {
  const read = readGlobalId(given);
  if (read.typename !== typename) throw refusal('BAD_USER_INPUT');
  return read.id;
}
