/**
 * Who may share one execution of an event with this principal, by audience. Keys of different audiences, and of
 * principals that must not share, never collide: safe as cache and topic keys, opaque otherwise.
 */
export interface AudienceKeys {
  /** The same for everybody: the execution must not see the principal. */
  readonly public: string;
  /** All of one tenant with equal scopes; without a tenant the same as `viewer`. */
  readonly tenant: string;
  /** One subject with one client and equal scopes; the anonymous by network. */
  readonly viewer: string;
}

/** Who asks: plain frozen data, without the token itself. */
export interface Principal {
  /** `client` is an application on its own behalf: its subject is its client id (RFC 9068 section 2.2). */
  readonly kind: 'user' | 'client' | 'anonymous';
  /** Null for the anonymous only. */
  readonly subject: string | null;
  readonly tenant: string | null;
  /** The application that asks, if the token names it. */
  readonly client: string | null;
  readonly scopes: ReadonlySet<string>;
  /** Wall milliseconds at which its token was issued, by its issuer's clock; null for the anonymous. */
  readonly issuedAtMs: number | null;
  /** Wall milliseconds from which the principal is no longer good, tolerance included; null for never. */
  readonly expiresAtMs: number | null;
  /** The network prefix of the anonymous; null for all others. */
  readonly network: string | null;
  readonly audienceKeys: AudienceKeys;
}

/** What a verified token says. */
export interface VerifiedIdentity {
  readonly subject: string;
  readonly tenant: string | null;
  readonly client: string | null;
  readonly scopes: ReadonlySet<string>;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

const publicKey = 'public';
const noScopes: ReadonlySet<string> = new Set();

/** The principal of a verified token. */
export function verifiedPrincipal(identity: VerifiedIdentity): Principal {
  const { subject, tenant, client, scopes } = identity;
  const sorted = [...scopes].sort();
  const viewer = JSON.stringify(['viewer', tenant, client, subject, sorted]);
  const audienceKeys = Object.freeze({
    public: publicKey,
    tenant: tenant === null ? viewer : JSON.stringify(['tenant', tenant, sorted]),
    viewer,
  });
  const kind = subject === client ? 'client' : 'user';
  return Object.freeze({ ...identity, kind, network: null, audienceKeys });
}

/** The principal of somebody without a token: told apart by `network` (see networkPrefix), trusted with nothing. */
export function anonymousPrincipal(network: string): Principal {
  const viewer = JSON.stringify(['anonymous', network]);
  return Object.freeze({
    kind: 'anonymous',
    subject: null,
    tenant: null,
    client: null,
    scopes: noScopes,
    issuedAtMs: null,
    expiresAtMs: null,
    network,
    audienceKeys: Object.freeze({ public: publicKey, tenant: viewer, viewer }),
  });
}

/**
 * What upstreams are told of the principal, as gRPC metadata; absent values are absent keys, and the anonymous give
 * none at all. `x-weir-subject`, `x-weir-tenant`, `x-weir-client`: percent-encoded UTF-8 as encodeURIComponent gives
 * (`user-1` stays `user-1`), so no value can break a line or a list. `x-weir-scopes`: as they are (RFC 6749 section
 * 3.3 keeps them in printable ASCII), sorted, one space between. All together below 4 KiB. The token is never sent on.
 */
export function metadataFromPrincipal(principal: Principal): Record<string, string> {
  const { subject, tenant, client, scopes } = principal;
  const metadata: Record<string, string> = {};
  if (subject !== null) metadata['x-weir-subject'] = encodeURIComponent(subject);
  if (tenant !== null) metadata['x-weir-tenant'] = encodeURIComponent(tenant);
  if (client !== null) metadata['x-weir-client'] = encodeURIComponent(client);
  if (scopes.size > 0) metadata['x-weir-scopes'] = [...scopes].sort().join(' ');
  return metadata;
}
