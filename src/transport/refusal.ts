import type { ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import { type ErrorCode, errorTable, WeirError } from '../errors.ts';
import { challengeFromError } from '../identity/token-refusal.ts';
import type { Log } from '../observe/log.ts';
import { publicError } from '../operation/public-error.ts';

/**
 * Codes of a request that HTTP understands and GraphQL refuses: who accepts no more than `application/json` gets them
 * with status 200 (GraphQL over HTTP, section 6.4.1).
 */
const wellFormedCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
]);

/**
 * Converts an error that ended a request before it gave any data, and says by `extensions.http`, as Yoga reads it, with
 * which status it is sent. Faults are logged here.
 */
export function refuse(thrown: unknown, requestId: string, log: Log): GraphQLError {
  const { error, fault } = publicError(thrown, requestId);
  if (fault) log.error({ requestId, err: fault }, 'request failed');
  // Yoga tells a mutation by GET from other bad requests by its status alone.
  const given = thrown instanceof GraphQLError ? thrown.extensions.http : undefined;
  const isMethodRefused = given?.status === errorTable.METHOD_NOT_ALLOWED.httpStatus;
  const code = isMethodRefused ? 'METHOD_NOT_ALLOWED' : (error.extensions['code'] as ErrorCode); // as: publicError's
  const http = {
    status: errorTable[code].httpStatus,
    spec: wellFormedCodes.has(code),
    // RFC 9110 section 15.5.6: 405 names the methods that are allowed.
    headers: {
      ...(code === 'METHOD_NOT_ALLOWED' && { allow: isMethodRefused ? 'POST' : allowedOf(thrown) }),
      ...challengeOf(thrown),
      ...retryAfterOf(error),
    },
  };
  Object.assign(error.extensions, { code, http });
  return error;
}

/** RFC 9110 section 10.2.3: whole seconds, never before it is worth it. */
function retryAfterOf({ extensions: { retryAfterMs } }: GraphQLError): Record<string, string> {
  return typeof retryAfterMs === 'number' ? { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } : {};
}

/** The methods of the address that was asked: those of the graph unless the refusal names others. */
function allowedOf(thrown: unknown): string {
  const { allow } = thrown instanceof WeirError ? thrown.extensions : {};
  return typeof allow === 'string' ? allow : 'GET, POST';
}

/** RFC 9110 section 11.6.1: 401 says how to come back. */
function challengeOf(thrown: unknown): Record<string, string> {
  const challenge = thrown instanceof WeirError ? challengeFromError(thrown) : null;
  return challenge === null ? {} : { 'www-authenticate': challenge };
}

/**
 * Answers a request that never becomes an operation with an error that {@link refuse} made (GraphQL over HTTP, section
 * 6.4), and closes the connection behind it, for bytes of the request may still be on their way.
 */
export function sendRefusal(response: ServerResponse, { message, extensions }: GraphQLError): void {
  if (response.headersSent || response.destroyed) return;
  const { http, ...shown } = extensions;
  const body = JSON.stringify({ errors: [{ message, extensions: shown }] });
  response.writeHead(http?.status ?? 500, {
    ...http?.headers,
    'content-type': 'application/graphql-response+json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}
