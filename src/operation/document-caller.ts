import type { DocumentCaller } from '../guard/documents/gate.ts';
import type { Principal } from '../identity/principal.ts';

/** Who asks for a document: with a tenant's account for all of it, and one for each who has none. */
export function callerFrom({ scopes, tenant, kind, subject, network }: Principal): DocumentCaller {
  return { scopes, share: JSON.stringify(tenant === null ? [kind, subject ?? network] : [tenant]) };
}
