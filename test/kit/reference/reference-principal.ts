/** Who asks: a user with the scopes of the token, or nobody. */
export interface Principal {
  readonly subject: string | null;
  readonly scopes: readonly string[];
}

/** What belongs to a user is seen by that user, and by whoever has the scope for everybody's. */
export function maySee({ subject, scopes }: Principal, ownerIds: readonly string[], scope: string): boolean {
  return scopes.includes(scope) || (subject !== null && ownerIds.includes(subject));
}
