import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Revocations } from '../identity/revocations.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Readiness } from './readiness.ts';
import { revokeBy } from './revoke-by.ts';

/** What the admin port shows. */
export interface AdminOptions {
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly readiness: () => Readiness;
  readonly revocations: Pick<Revocations, 'revoke' | 'list'>;
  readonly log: Log;
}

interface AdminAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

type Handler = (request: IncomingMessage) => AdminAnswer | Promise<AdminAnswer>;

/** What is done with a path: by GET and HEAD, and by POST. */
interface Resource {
  readonly get: Handler;
  readonly post?: Handler;
}

/** Milliseconds and bytes; probes and scrapers are few, near and small. */
const socketLimits = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 8192,
};
/** A connection on which nothing moves for so long is cut off, for example when a scraper stops reading. */
const idleTimeoutMs = 10_000;
/** Further connections are closed at once. */
const maxConnections = 64;

const plain = 'text/plain; charset=utf-8';
const json = 'application/json; charset=utf-8';
const commonHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // One answer a connection: what a client sends behind its request is never read.
  connection: 'close',
} as const;

/**
 * A Node HTTP server for probes and scrapers, not yet listening, for a port of its own that the public cannot reach.
 * GET and HEAD of `/livez` (200 as long as the process can answer), `/readyz` (200 or 503, and what is not ready as
 * JSON), `/metrics` (the Prometheus text format) and `/revocations` (those in force); POST of `/revocations` makes one, see
 * {@link revokeBy}. Else 404 or 405. It answers while the gateway drains: close it last.
 */
export function createAdminServer(options: AdminOptions): Server {
  const resources = new Map<string, Resource>([
    ['/livez', { get: () => ({ status: 200, type: plain, body: 'ok\n' }) }],
    ['/readyz', { get: () => readinessAnswer(options.readiness()) }],
    ['/metrics', { get: () => metricsAnswer(options.metrics) }],
    [
      '/revocations',
      {
        get: () => jsonAnswer(200, { revocations: options.revocations.list() }),
        post: async (request) => {
          const { status, body } = await revokeBy(request, options);
          return jsonAnswer(status, body);
        },
      },
    ],
  ]);
  const server = createServer(socketLimits, (request, response) => {
    void serve(request, response);
  });
  server.timeout = idleTimeoutMs;
  server.maxConnections = maxConnections;
  return server;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const resource = resources.get(path);
    if (resource === undefined) return send(response, { status: 404, type: plain, body: 'not found\n' });
    const answer = handlerOf(resource, request.method);
    if (answer === undefined) {
      response.setHeader('allow', resource.post ? 'GET, HEAD, POST' : 'GET, HEAD');
      return send(response, { status: 405, type: plain, body: 'method not allowed\n' });
    }
    try {
      send(response, await answer(request));
    } catch (thrown) {
      options.log.error({ err: thrown, path }, 'the admin port could not answer');
      send(response, { status: 500, type: plain, body: 'internal error\n' });
    }
  }
}

function handlerOf({ get, post }: Resource, method: string | undefined): Handler | undefined {
  if (method === 'POST') return post;
  return method === 'GET' || method === 'HEAD' ? get : undefined;
}

function readinessAnswer({ ready, reasons }: Readiness): AdminAnswer {
  return jsonAnswer(ready ? 200 : 503, { ready, reasons });
}

function jsonAnswer(status: number, value: object): AdminAnswer {
  return { status, type: json, body: `${JSON.stringify(value)}\n` };
}

async function metricsAnswer({ text, contentType }: AdminOptions['metrics']): Promise<AdminAnswer> {
  return { status: 200, type: contentType, body: await text() };
}

function send(response: ServerResponse, { status, type, body }: AdminAnswer): void {
  if (response.destroyed) return;
  // Node leaves the body out for HEAD.
  response.writeHead(status, {
    ...commonHeaders,
    'content-type': type,
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
