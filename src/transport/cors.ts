import type { IncomingMessage, ServerResponse } from 'node:http';
import { anyOrigin } from '../config/server-options.ts';
import { WeirError } from '../errors.ts';
import { isListedOrigin, unlistedOrigin } from './origins.ts';

/** What pages of other origins may do: a part of the section `server` of the configuration. */
export interface CorsSettings {
  readonly allowedOrigins: readonly string[];
  readonly allowCredentials: boolean;
  readonly allowedHeaders: readonly string[];
}

/** Cross-origin requests (Fetch, section 3.3). What is not listed is answered as if there were no such thing. */
export interface Cors {
  /** Lets a page of a listed origin read the answer. */
  readonly open: (request: IncomingMessage, response: ServerResponse) => void;
  /** Answers a preflight behind {@link Cors.open}; throws FORBIDDEN for an origin that is not listed. */
  readonly preflight: (request: IncomingMessage, response: ServerResponse, methods: string) => void;
}

/** Headers of requests that Weir reads, and those that browsers' clients of GraphQL send. */
const requestHeaders = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'GraphQL-Cost',
  'Weir-Timeout-Ms',
  'Last-Event-ID',
  'If-None-Match',
  'X-Request-Id',
  'X-GraphQL-Event-Stream-Token',
  'GraphQL-Require-Preflight',
  'Apollo-Require-Preflight',
  'X-Apollo-Operation-Name',
  'Apollographql-Client-Name',
  'Apollographql-Client-Version',
  'traceparent',
  'tracestate',
  'baggage',
] as const;

/** Headers of answers that pages may read beside the few that they always may (Fetch, CORS-safelisted response headers). */
const answerHeaders = [
  'X-Request-Id',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Used',
  'X-RateLimit-Reset',
  'Idempotent-Replayed',
  'Idempotency-Protection',
  'Deprecation',
  'Sunset',
  'Link',
  'ETag',
  'WWW-Authenticate',
] as const;

/** Seconds that browsers may keep the answer to a preflight; Chromium keeps none longer. */
const preflightMaxAgeS = 7200;

/** What a preflight's answer depends on, for caches. */
const preflightVary = 'Access-Control-Request-Method, Access-Control-Request-Headers';

/** Whether a browser asks whether it may send what a page wants (Fetch, CORS-preflight request). */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

/** The rules for pages of other origins. */
export function createCors({ allowedOrigins, allowCredentials, allowedHeaders }: CorsSettings): Cors {
  const exposed = answerHeaders.join(', ');
  const headers = [...requestHeaders, ...allowedHeaders].join(', ');
  const varies = allowedOrigins.length > 0;
  const isListed = (origin: string | undefined) =>
    origin !== undefined && isListedOrigin(origin, allowedOrigins);
  return {
    open: ({ headers: { origin } }, response) => {
      // Also without an origin: a cache must not give a page the answer that was for a client without one.
      if (varies) response.appendHeader('vary', 'Origin');
      if (!isListed(origin)) return;
      response.setHeader(
        'access-control-allow-origin',
        allowedOrigins.includes(anyOrigin) ? anyOrigin : String(origin),
      );
      if (allowCredentials) response.setHeader('access-control-allow-credentials', 'true');
      response.setHeader('access-control-expose-headers', exposed);
    },
    preflight: (request, response, methods) => {
      response.appendHeader('vary', preflightVary);
      if (!isListed(request.headers.origin)) throw new WeirError('FORBIDDEN', { message: unlistedOrigin });
      response.writeHead(204, {
        'access-control-allow-methods': methods,
        'access-control-allow-headers': headers,
        'access-control-max-age': String(preflightMaxAgeS),
      });
      response.end();
    },
  };
}
