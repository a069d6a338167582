import type { IncomingMessage } from 'node:http';
import { WeirError } from '../errors.ts';

/**
 * Headers that no page can send to another origin without asking first (Fetch, CORS-preflight request), and that nobody
 * sends by chance; the second and third are those of Apollo's clients.
 */
export const preflightedHeaders = [
  'graphql-require-preflight',
  'apollo-require-preflight',
  'x-apollo-operation-name',
] as const;

/**
 * Throws BAD_REQUEST for a document in a URL where it cannot be known that no foreign page wrote it: a browser follows
 * any link, with its cookies and from within its network, and the time that an answer takes can be measured. In
 * production there is no such document at all.
 */
export function assertPreflighted({ headers }: IncomingMessage, production: boolean): void {
  if (production) {
    const message =
      'Expected a document by POST, or the id of a stored document; a URL holds no document here.';
    throw new WeirError('BAD_REQUEST', { message });
  }
  if (preflightedHeaders.some((name) => headers[name] !== undefined)) return;
  throw new WeirError('BAD_REQUEST', {
    message: 'Expected the header "GraphQL-Require-Preflight" beside a document in a URL, with any value.',
  });
}
