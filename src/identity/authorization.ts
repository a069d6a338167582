import { tokenRefusal } from './token-refusal.ts';

/** RFC 6750 section 2.1: the scheme (in any case, RFC 9110 section 11.1), spaces, one b64token. */
const bearerPattern = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * The token of an `Authorization` header; null when there is no such header. Pass every value of the header (Node:
 * `headersDistinct.authorization`), since Node's `headers` keeps the first of several in silence. Two headers, a
 * comma, another scheme or an empty value are refused: UNAUTHENTICATED with the reason MALFORMED.
 */
export function tokenFromAuthorization(header: string | readonly string[] | undefined): string | null {
  const values = typeof header === 'string' ? [header] : (header ?? []);
  const [value] = values;
  if (value === undefined) return null;
  const token = values.length === 1 ? bearerPattern.exec(value)?.[1] : undefined;
  if (token === undefined) throw tokenRefusal('MALFORMED');
  return token;
}
