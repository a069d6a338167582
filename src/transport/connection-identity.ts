import type { Principal } from '../identity/principal.ts';
import { tokenRefusal } from '../identity/token-refusal.ts';

/** Members of a payload that carry a token, as clients write them. */
const members = ['authorization', 'Authorization'] as const;

/**
 * The credentials of a connection: of its payload (`connection_init`, `ping`), or of the request that opened it. Throws
 * UNAUTHENTICATED when they differ, since nobody can say which was meant, and when what came is no text.
 */
export function authorizationFrom(
  payload: Readonly<Record<string, unknown>> | undefined,
  header: string | readonly string[] | undefined,
): string | readonly string[] | undefined {
  const given = members.flatMap((name) => (payload?.[name] === undefined ? [] : [payload[name]]));
  const headers = typeof header === 'string' ? [header] : (header ?? []);
  const values = new Set<unknown>([...given, ...headers]);
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.size > 1 || headers.length > 1 || typeof value !== 'string') throw tokenRefusal('MALFORMED');
  return value;
}

/** Whether two principals are one and the same, with the same rights: so what one was admitted to, the other is. */
export function isSamePrincipal(one: Principal, other: Principal): boolean {
  return one.audienceKeys.viewer === other.audienceKeys.viewer;
}

/** Milliseconds until a principal is no longer good; Infinity for never. */
export function goodForMs({ expiresAtMs }: Principal, wallMs: number): number {
  return expiresAtMs === null ? Number.POSITIVE_INFINITY : expiresAtMs - wallMs;
}
