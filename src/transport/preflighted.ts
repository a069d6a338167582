import type { IncomingMessage } from 'node:http';
import type { DocumentNaming } from '../guard/documents/gate.ts';

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
 * Whether a foreign page may have made a request: a browser follows any link, with its cookies and from within its
 * network, and the time that an answer takes can be measured. What it may ask then is said by the gate of documents.
 */
export function originOf({ method, headers }: IncomingMessage): DocumentNaming['origin'] {
  if (method !== 'GET') return 'safe';
  return preflightedHeaders.some((name) => headers[name] !== undefined) ? 'preflighted' : 'bare';
}
