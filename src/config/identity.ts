import { type KeyOptions, keyFaults } from '../identity/keys.ts';
import { type TokenOptions, tokenFaults } from '../identity/token-options.ts';
import { isOptions } from './plain-options.ts';

/** Which tokens are accepted, and where the keys come from that they are signed with. */
export interface IdentityConfig extends TokenOptions {
  readonly keys: KeyOptions;
}

/** The tokens that `weir token` signs. */
export const developmentIdentity: IdentityConfig = {
  issuer: 'weir-development',
  audience: 'weir',
  keys: { kind: 'development' },
};

/** What is wrong with the section `identity`. */
export function identityFaults(identity: unknown, production: boolean): string[] {
  if (!isOptions(identity)) return [];
  const { keys, issuer, audience } = identity;
  if (typeof issuer !== 'string') return ['identity.issuer: expected the "iss" of the tokens'];
  if (typeof audience !== 'string' && !Array.isArray(audience))
    return ['identity.audience: expected the "aud" of the tokens'];
  if (!isOptions(keys))
    return [
      'identity.keys: expected { kind: "url", url }, { kind: "file", path } or { kind: "development" }',
    ];
  const config = identity as unknown as IdentityConfig; // as: tokenFaults and keyFaults look at the rest
  return [...tokenFaults(config), ...keyFaults(config.keys, production)].map((fault) => `identity.${fault}`);
}
