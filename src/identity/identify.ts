import { tokenFromAuthorization } from './authorization.ts';
import { networkPrefix } from './network-prefix.ts';
import { anonymousPrincipal, type Principal } from './principal.ts';
import type { TokenVerifier } from './token.ts';
import { tokenRefusal } from './token-refusal.ts';

/** What a transport knows of whoever sent a request. */
export interface Credentials {
  /** Every value of `Authorization` (Node: `headersDistinct.authorization`), or a `connection_init` payload's. */
  readonly authorization: string | readonly string[] | undefined;
  /** The network address of the peer. */
  readonly address: string | undefined;
}

/** The principal of a request: at once where the token is known or absent. Throws or rejects for a bad token. */
export type Identify = (credentials: Credentials) => Principal | Promise<Principal>;

/**
 * Tells principals by their tokens; without a verifier nobody has a token that is good here. What `isRevoked` says is
 * asked for each request, since tokens that were verified once are kept.
 */
export function createIdentify(
  verifier: TokenVerifier | undefined,
  isRevoked: (principal: Principal) => boolean = () => false,
): Identify {
  const assertInForce = (principal: Principal): Principal => {
    if (isRevoked(principal)) throw tokenRefusal('REVOKED');
    return principal;
  };
  return ({ authorization, address }) => {
    const token = tokenFromAuthorization(authorization);
    if (token === null) return anonymousPrincipal(networkPrefix(address));
    if (!verifier) throw tokenRefusal('UNKNOWN_KEY');
    const verified = verifier.verify(token);
    return verified instanceof Promise ? verified.then(assertInForce) : assertInForce(verified);
  };
}
