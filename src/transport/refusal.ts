import type { ServerResponse } from 'node:http';
import { errorTable, type WeirError } from '../errors.ts';

/**
 * Answers a request that never becomes an operation with a GraphQL error (GraphQL over HTTP, section 6.4) and, where
 * bytes of the request may still be on their way, closes the connection behind it.
 */
export function sendRefusal(
  response: ServerResponse,
  error: WeirError,
  options: { readonly close: boolean },
): void {
  if (response.headersSent || response.destroyed) return;
  const { code, message, extensions } = error;
  const body = JSON.stringify({ errors: [{ message, extensions: { ...extensions, code } }] });
  response.writeHead(errorTable[code].httpStatus, {
    'content-type': 'application/graphql-response+json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(options.close ? { connection: 'close' } : {}),
  });
  response.end(body);
}
