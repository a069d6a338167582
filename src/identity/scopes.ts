import type { Principal } from './principal.ts';

/** RFC 6749 section 3.3: printable ASCII without space, double quote and backslash. What a token may carry. */
const scopeTokenPattern = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;

/** What a schema may ask for: `things:read`, `things.parts:write`. */
const scopeNamePattern = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*:[a-z][a-z0-9-]*$/;

const maxScopeNameLength = 64;

/** Whether `text` is one scope as a token may carry it: RFC 6749 section 3.3, 1 to 128 characters. */
export function isScopeToken(text: string): boolean {
  return scopeTokenPattern.test(text);
}

/**
 * Throws RangeError unless `name` follows the rule for scopes that a schema declares: a resource, a colon, a verb, in
 * lower case, at most 64 characters. Tokens may carry others; nothing can ask for those.
 */
export function assertScopeName(name: string): void {
  if (name.length <= maxScopeNameLength && scopeNamePattern.test(name)) return;
  throw new RangeError(
    `A scope is named resource:verb in lower case, at most ${maxScopeNameLength} characters, got ${JSON.stringify(name)}.`,
  );
}

/** Whether the principal holds every one of `required`: none required is always held, the anonymous hold none. */
export function hasScopes(principal: Pick<Principal, 'scopes'>, required: Iterable<string>): boolean {
  for (const scope of required) {
    if (!principal.scopes.has(scope)) return false;
  }
  return true;
}
