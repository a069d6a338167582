import type { Metadata } from '@grpc/grpc-js';
import { invalidArgument } from './status.ts';
import { isStorable } from './text.ts';

/** Who asks, as the gateway tells it: this side trusts it, so only the gateway may reach the port. */
export interface Caller {
  /** The user's id; null for the anonymous, who own nothing. */
  readonly subject: string | null;
  readonly scopes: ReadonlySet<string>;
  readonly may: (scope: Scope) => boolean;
}

/** What a caller may do beyond what is its own. */
export type Scope =
  | 'orders:read'
  | 'orders:write'
  | 'reports:read'
  | 'payments:read'
  | 'payments:write'
  | 'chat:read'
  | 'chat:write'
  | 'users:read'
  | 'users:write';

const SUBJECT = 'x-weir-subject';
const SCOPES = 'x-weir-scopes';
/** Of each of the two, as it was sent. */
const MAX_CHARACTERS = 4_096;
/** RFC 6749, section 3.3: scope-token *( SP scope-token ). */
const SCOPE_LIST = /^[!#-[\]-~]+(?: [!#-[\]-~]+)*$/;

/**
 * Reads `x-weir-subject` (percent-encoded) and `x-weir-scopes` (one space between). A call without a subject is anonymous:
 * nobody is trusted for being inside.
 *
 * @throws INVALID_ARGUMENT for what the gateway never writes: two values, more than 4,096 characters, another encoding of the
 * same subject, scopes of nobody.
 */
export function callerFrom(metadata: Metadata): Caller {
  const subject = subjectFrom(textOf(metadata, SUBJECT));
  const list = textOf(metadata, SCOPES);
  if (list !== undefined && (subject === null || !SCOPE_LIST.test(list))) {
    throw invalidArgument({
      field: SCOPES,
      description: 'expected the scopes of a subject, one space between',
    });
  }
  const scopes = new Set(list?.split(' '));
  return { subject, scopes, may: (scope) => scopes.has(scope) };
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const [value, ...others] = metadata.get(key);
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length <= MAX_CHARACTERS && others.length === 0) return value;
  throw invalidArgument({
    field: key,
    description: `expected one text of at most ${MAX_CHARACTERS} characters`,
  });
}

function subjectFrom(encoded: string | undefined): string | null {
  if (encoded === undefined) return null;
  const subject = decoded(encoded);
  // One subject has one encoding. Two headers, which HTTP/2 joins with a comma, are no subject.
  if (subject && encodeURIComponent(subject) === encoded && isStorable(subject)) return subject;
  throw invalidArgument({ field: SUBJECT, description: 'expected a percent-encoded user id' });
}

function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
