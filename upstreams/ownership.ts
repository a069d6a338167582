import type { Caller, Scope } from './caller.ts';
import type { Bind } from './params.ts';
import { permissionDenied } from './status.ts';

/** Whose rows a statement may touch: everybody's (undefined), one user's, or nobody's (null). */
export type Owner = string | null | undefined;

/**
 * Everybody's with the scope, else the caller's own. With `wanted`, only that user's of them. What is left out goes into the
 * WHERE, so that a row of somebody else and one that is not there take the same way.
 */
export function ownerFor(caller: Caller, scope: Scope, wanted = ''): Owner {
  if (caller.may(scope)) return wanted || undefined;
  return wanted === '' || wanted === caller.subject ? caller.subject : null;
}

/** The condition that a column names the owner: none for everybody. No row passes a comparison with NULL. */
export function ownedBy(owner: Owner, column: string, bind: Bind): string[] {
  return owner === undefined ? [] : [`${column} = ${bind(owner)}`];
}

/** @throws PERMISSION_DENIED without the scope. */
export function assertMay(caller: Caller, scope: Scope): void {
  if (!caller.may(scope)) throw permissionDenied(scope, `This needs the scope ${scope}.`);
}

/**
 * The user in whose name something is done is the caller, or the caller has the scope.
 *
 * @param field where the request names the user.
 * @throws PERMISSION_DENIED, whether there is such a user or not.
 */
export function assertActsFor(caller: Caller, userId: string, scope: Scope, field: string): void {
  if (userId === caller.subject || caller.may(scope)) return;
  throw permissionDenied(scope, `${field}: expected the caller's own id, or the scope ${scope}.`);
}
