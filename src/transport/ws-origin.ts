import type { IncomingHttpHeaders } from 'node:http';

/** Which origins may connect. */
export interface OriginRules {
  /** As browsers send them (RFC 6454 section 6.2): scheme, host and port, compared whole. */
  readonly allowedOrigins: readonly string[];
  /** Whether, while there are none of these, an origin must be that of the host it asks. */
  readonly sameOriginOnly: boolean;
}

/**
 * What is wrong with the origin of an upgrade, which browsers never ask permission for (RFC 6455 section 10.2);
 * undefined when nothing is, as for every client that is no browser and sends none.
 */
export function originFault(
  { origin, host }: IncomingHttpHeaders,
  { allowedOrigins, sameOriginOnly }: OriginRules,
): string | undefined {
  if (origin === undefined || (allowedOrigins.length === 0 && !sameOriginOnly)) return undefined;
  const isAllowed = allowedOrigins.length > 0 ? allowedOrigins.includes(origin) : hostOf(origin) === host;
  if (isAllowed) return undefined;
  return 'Header "Origin": expected one that may connect; the option is realtime.allowedOrigins.';
}

/** Behind a proxy that ends TLS we do not know our own scheme, so only the host is compared. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
