import { anyOrigin } from '../config/server-options.ts';

/** Which origins may ask. */
export interface OriginRules {
  /** As browsers send them (RFC 6454 section 6.2): scheme, host and port, compared whole; `*` for any. */
  readonly allowedOrigins: readonly string[];
  /** Whether, while there are none of these, the origin of a WebSocket must be that of the host it asks. */
  readonly sameOriginOnly: boolean;
}

/** Whether an origin is listed. `null`, that of sandboxes and files, never is: anybody can have it. */
export function isListedOrigin(origin: string, allowedOrigins: readonly string[]): boolean {
  return allowedOrigins.includes(origin) || (allowedOrigins.includes(anyOrigin) && origin !== 'null');
}

/**
 * What is wrong with the origin of an upgrade, which browsers never ask permission for (RFC 6455 section 10.2);
 * undefined when nothing is, as for every client that is no browser and sends none.
 */
export function originFault(
  origin: string | undefined,
  host: string,
  { allowedOrigins, sameOriginOnly }: OriginRules,
): string | undefined {
  if (origin === undefined || (allowedOrigins.length === 0 && !sameOriginOnly)) return undefined;
  const isAllowed =
    allowedOrigins.length > 0 ? isListedOrigin(origin, allowedOrigins) : hostOf(origin) === host;
  return isAllowed ? undefined : unlistedOrigin;
}

/** What a client reads whose origin is not listed. */
export const unlistedOrigin =
  'Header "Origin": expected one that may ask; the option is server.allowedOrigins.';

/** Behind a proxy that ends TLS we do not know our own scheme, so only the host is compared. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
