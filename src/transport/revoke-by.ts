import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { errorTable, WeirError } from '../errors.ts';
import { hasRepeatedMembers } from '../identity/repeated-members.ts';
import { parseRevocationFilter, type RevocationFilter } from '../identity/revocation.ts';
import type { Revocations } from '../identity/revocations.ts';
import type { Log } from '../observe/log.ts';
import { readBody } from './body.ts';

/** What a request to revoke needs. */
export interface RevokeParts {
  readonly revocations: Pick<Revocations, 'revoke'>;
  readonly log: Log;
}

/** Status of HTTP, and what is JSON of the answer. */
export interface RevokeAnswer {
  readonly status: number;
  readonly body: object;
}

/** Three names of 512 characters, each of which JSON may write as six. */
const maxBytes = 16_384;
const mediaTypePattern = /^application\/json *(?:; *charset="?utf-8"?)?$/i;

/**
 * Makes the revocation in the body of a request: 201 with it, or the status of {@link errorTable} with `{ error: { code, message } }`.
 * A page cannot ask for one: it would send an `Origin`, or another media type. Rejects with faults of our own alone.
 */
export async function revokeBy(
  request: IncomingMessage,
  { revocations, log }: RevokeParts,
): Promise<RevokeAnswer> {
  try {
    return { status: 201, body: await revocations.revoke(await filterIn(request)) };
  } catch (thrown) {
    const { code, message } = WeirError.from(thrown);
    if (code === 'INTERNAL_SERVER_ERROR') throw thrown;
    const { httpStatus: status, retryable } = errorTable[code];
    if (retryable) log.warn({ err: thrown }, 'a revocation was not taken');
    return { status, body: { error: { code, message } } };
  }
}

async function filterIn(request: IncomingMessage): Promise<RevocationFilter> {
  const { origin, 'content-type': type = '' } = request.headers;
  if (origin !== undefined)
    throw new WeirError('FORBIDDEN', {
      message: 'Expected a request that no page sends, got the header "Origin".',
    });
  if (!mediaTypePattern.test(type))
    throw new WeirError('UNSUPPORTED_MEDIA_TYPE', {
      message: 'Expected the header "Content-Type: application/json".',
    });
  const parsed = parseRevocationFilter(await jsonIn(request));
  if (parsed.ok) return parsed.filter;
  throw new WeirError('BAD_REQUEST', { message: `Request body: ${parsed.fault}.` });
}

async function jsonIn(request: IncomingMessage): Promise<unknown> {
  const bytes = await readBody(request, maxBytes).catch((thrown: unknown) => {
    if (WeirError.from(thrown).code !== 'PAYLOAD_TOO_LARGE') throw thrown;
    throw new WeirError('PAYLOAD_TOO_LARGE', {
      message: `Expected a request body of at most ${maxBytes} bytes, got more.`,
    });
  });
  const value = isUtf8(bytes) ? parsedFrom(bytes.toString('utf8')) : undefined;
  if (value !== undefined) return value;
  throw new WeirError('BAD_REQUEST', {
    message: 'Request body: expected JSON in UTF-8, each member of it once, got something else.',
  });
}

/** Undefined for what is no JSON, or has a member twice, of which nobody knows the one that is meant. */
function parsedFrom(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return hasRepeatedMembers(text, value) ? undefined : value;
  } catch {
    return undefined;
  }
}
