import type { IncomingMessage } from 'node:http';
import { type ErrorCode, WeirError } from '../errors.ts';
import { acceptedFrom } from './accept.ts';
import { hasRequestIn } from './body.ts';
import { isRepeated } from './raw-headers.ts';

/** What is wrong with a request's head; undefined when nothing is. */
type Check = (request: IncomingMessage) => string | undefined;

/**
 * What a request must be before a byte of its body is read, in this order. One JSON body and nothing else: a browser
 * sends any other kind across origins without asking first (Fetch, CORS-safelisted content types).
 */
const checks: readonly (readonly [ErrorCode, Check])[] = [
  ['METHOD_NOT_ALLOWED', methodFault],
  ['BAD_REQUEST', urlFault],
  ['UNSUPPORTED_MEDIA_TYPE', contentTypeFault],
  ['UNSUPPORTED_MEDIA_TYPE', contentEncodingFault],
  ['NOT_ACCEPTABLE', acceptFault],
];

/** The same for event streams that carry many operations: their methods and their answers are others. */
const streamChecks: typeof checks = [
  ['UNSUPPORTED_MEDIA_TYPE', contentTypeFault],
  ['UNSUPPORTED_MEDIA_TYPE', contentEncodingFault],
  ['NOT_ACCEPTABLE', streamAcceptFault],
];

/** What a graph is asked by (GraphQL over HTTP, section 5). */
export const graphMethods = 'GET, POST';
/** GraphQL over SSE, single connection mode. */
export const streamMethods = 'PUT, GET, POST, DELETE';

/** RFC 9110 section 8.3.1: one type, and no parameter but UTF-8. Linear: nothing in it overlaps. */
const jsonPattern = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?;?$/i;

/** Media ranges that one of our answers fits (GraphQL over HTTP, section 4). */
const answeredRanges: ReadonlySet<string> = new Set([
  'application/graphql-response+json',
  'application/json',
  'application/*',
  '*/*',
]);

/** Throws the coded refusal of a request whose head cannot lead to an operation; see docs/errors.md for the codes. */
export function assertServable(request: IncomingMessage): void {
  assertAll(request, checks);
}

/** The same for a request of the single connection mode. */
export function assertStreamable(request: IncomingMessage): void {
  const { method } = request;
  if (method === undefined || !streamMethods.split(', ').includes(method)) {
    const message = `Expected one of ${streamMethods}, got ${method}.`;
    throw new WeirError('METHOD_NOT_ALLOWED', { message, extensions: { allow: streamMethods } });
  }
  assertAll(request, streamChecks);
}

function assertAll(request: IncomingMessage, wanted: typeof checks): void {
  for (const [code, faultOf] of wanted) {
    const message = faultOf(request);
    if (message !== undefined) throw new WeirError(code, { message });
  }
}

/** Whether a browser asks for a page. */
export function asksForPage({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && rangesOf(headers.accept ?? '').includes('text/html');
}

function methodFault({ method }: IncomingMessage): string | undefined {
  return method === 'GET' || method === 'POST' ? undefined : `Expected GET or POST, got ${method}.`;
}

function streamAcceptFault({ method, headers: { accept } }: IncomingMessage): string | undefined {
  if (method !== 'GET' || acceptedFrom(accept).eventStream > 0) return undefined;
  return `Header "Accept": expected text/event-stream, got ${excerpt(accept)}.`;
}

/** Of two documents in one request nobody knows which one a proxy looked at. */
function urlFault({ method, url = '' }: IncomingMessage): string | undefined {
  if (method !== 'POST' || !hasRequestIn(url)) return undefined;
  return 'Expected the request of a POST in its body alone, got parts of one in the address.';
}

function contentTypeFault({ method, headers, rawHeaders }: IncomingMessage): string | undefined {
  // A GET has no body: clients that name its type name ours, and any other tells of one that is made for something else.
  if (method !== 'POST' && (method !== 'GET' || headers['content-type'] === undefined)) return undefined;
  // Node keeps the first of several, and who looked at the request before us may have kept another.
  if (isRepeated(rawHeaders, 'content-type')) return 'Header "Content-Type": expected one, got several.';
  if (jsonPattern.test(headers['content-type'] ?? '')) return undefined;
  return `Header "Content-Type": expected application/json in UTF-8, got ${excerpt(headers['content-type'])}.`;
}

function contentEncodingFault({ headers }: IncomingMessage): string | undefined {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return undefined;
  return `Header "Content-Encoding": expected none, got ${excerpt(encoding)}.`;
}

function acceptFault({ headers: { accept = '*/*' } }: IncomingMessage): string | undefined {
  const { eventStream, multipart } = acceptedFrom(accept);
  if (eventStream > 0 || multipart > 0) return undefined;
  if (accept.trim() === '' || rangesOf(accept).some((range) => answeredRanges.has(range))) return undefined;
  return `Header "Accept": expected application/graphql-response+json or application/json, got ${excerpt(accept)}.`;
}

/** Media ranges without their parameters, of those that leave us UTF-8. */
function rangesOf(accept: string): readonly string[] {
  return accept
    .toLowerCase()
    .split(',')
    .filter((range) => !range.includes('charset') || range.includes('utf-8'))
    .map((range) => range.split(';', 1)[0]?.trim() ?? '');
}

/** Enough of a header to find it again, quoted, because it is anyone's text. */
function excerpt(value: string | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value.slice(0, 80));
}
