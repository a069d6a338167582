import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { WeirError } from '../errors.ts';
import { excessOfJson, type JsonLimits } from '../guard/shape/json-guard.ts';
import { shapeError } from '../guard/shape/refusal.ts';

/**
 * Reads a whole request body of at most `maxBytes`. Rejects with `PAYLOAD_TOO_LARGE` as soon as the announced or the
 * received length is above it, without reading on; with `CANCELLED` when the client goes first.
 * The limit stands here, where bytes arrive, and not in a stream behind it, which would cost every request a pipe.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  // Nothing more happens on a request whose client went while something else was waited for.
  if (request.destroyed) throw new WeirError('CANCELLED');
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        request.pause();
        chunks.length = 0;
        reject(tooLarge(maxBytes));
      } else chunks.push(chunk);
    });
    request.on('end', () => {
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
      // An answer that goes on keeps its request, and that these listeners.
      chunks.length = 0;
    });
    request.on('error', (cause) => reject(new WeirError('CANCELLED', { cause })));
    // Every request closes; only one that closes early is worth an error with its stack.
    request.on('close', () => {
      if (!request.readableEnded) reject(new WeirError('CANCELLED'));
    });
  });
}

/**
 * The JSON value in a request body (GraphQL over HTTP, section 5.4); throws `BAD_REQUEST` for anything else,
 * `BATCHING_DISABLED` for what begins as a list, however long, and `VARIABLE_LIMIT` where it goes beyond `limits`. Whether it has the members of a GraphQL request
 * is checked behind it.
 */
export function parseBody(body: Buffer, limits: JsonLimits): unknown {
  if (!isUtf8(body)) throw new WeirError('BAD_REQUEST', { message: 'Expected a request body in UTF-8.' });
  const text = body.toString('utf8');
  if (listPattern.test(text)) throw new WeirError('BATCHING_DISABLED');
  return parseJson(text, 'the request body', limits);
}

/** White space of JSON (RFC 8259 section 2) before a list. */
const listPattern = /^[ \t\n\r]*\[/;

/**
 * The GraphQL request in the query of a URL (GraphQL over HTTP, section 5.3), whose path may name the document; throws as
 * {@link parseBody} for its JSON, and `BAD_REQUEST` for a document in both.
 */
export function parseQuery(
  url: string,
  limits: JsonLimits,
  documentId?: string,
): Readonly<Record<string, unknown>> {
  const given = queryOf(url);
  if (documentId !== undefined && (given.has('query') || given.has('documentId')))
    throw new WeirError('BAD_REQUEST', { message: 'Expected a document in the path of the address alone.' });
  // A parameter stands one level below the request that it is part of.
  const parameterLimits = { ...limits, jsonMaxDepth: limits.jsonMaxDepth - 1 };
  const jsonOf = (name: string) =>
    parseJson(given.get(name) || 'null', `the parameter "${name}"`, parameterLimits);
  return {
    query: given.get('query') || undefined,
    documentId: documentId ?? (given.get('documentId') || undefined),
    operationName: given.get('operationName') || undefined,
    variables: jsonOf('variables'),
    extensions: jsonOf('extensions'),
  };
}

/** Whether the query of a URL has a part of a GraphQL request, which a POST has in its body alone. */
export function hasRequestIn(url: string): boolean {
  if (!url.includes('?')) return false;
  const given = queryOf(url);
  return requestParameters.some((name) => given.has(name));
}

const requestParameters = ['query', 'documentId', 'operationName', 'variables', 'extensions'] as const;

function queryOf(url: string): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}

function parseJson(text: string, place: string, limits: JsonLimits): unknown {
  const excess = excessOfJson(text, limits);
  if (excess) throw shapeError(excess, limits[excess]);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WeirError('BAD_REQUEST', { message: `Expected JSON in ${place}.`, cause });
  }
}

function tooLarge(maxBytes: number): WeirError {
  return new WeirError('PAYLOAD_TOO_LARGE', {
    message: `Expected a request body of at most ${maxBytes} bytes, got more. The option is limits.bodyMaxBytes.`,
  });
}
