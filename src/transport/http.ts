import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Credentials, Identify } from '../identity/identify.ts';
import type { Principal } from '../identity/principal.ts';
import type { Log } from '../observe/log.ts';
import type { OperationContext } from '../operation/context.ts';
import type { RequestFacts } from '../operation/pipeline.ts';
import { type RecordEnd, recordOnce, refusedRecord } from '../operation/record-end.ts';
import { timeoutFrom } from '../operation/timeout.ts';
import { createDeadline, unlessAborted } from '../signal.ts';
import { parseBody, parseQuery, readBody } from './body.ts';
import { createExplorer } from './explorer.ts';
import { createHttpBorder, type HttpFacts, wrapError } from './http-border.ts';
import { asksForPage, assertServable } from './negotiation.ts';
import { refuse, sendRefusal } from './refusal.ts';

/** Where the graph is served. */
export const graphqlPath = '/graphql';

/** What the HTTP transport serves, and within which limits. */
export interface HttpOptions {
  readonly schema: GraphQLSchema;
  readonly pipeline: Plugin<RequestFacts & OperationContext>;
  readonly log: Log;
  readonly identify: Identify;
  readonly record: RecordEnd;
  readonly clock: Clock;
  readonly bodyMaxBytes: number;
  /** Deepest nesting of a request's JSON. */
  readonly jsonMaxDepth: number;
  /** Longest that an operation may take; `Weir-Timeout-Ms` can only shorten it. */
  readonly timeoutMs: number;
  /** Whether browsers are given GraphiQL at the graph's path. */
  readonly explorer: boolean;
}

/** Milliseconds; a client that sends slower than this is not one (slow headers, slow body). */
const socketTimeouts = { headersTimeout: 5000, requestTimeout: 10_000, connectionsCheckingInterval: 1000 };

/** Request ids of callers are taken over when they look like this. */
const requestIdPattern = /^[A-Za-z0-9._:-]{1,128}$/;

/** A Node HTTP server of the graph, not yet listening. GraphQL over HTTP; JSON bodies and GET queries. */
export function createHttpServer(options: HttpOptions): Server {
  const answer = createAnswer(options);
  const server = createServer(socketTimeouts, (request, response) => {
    // Once the server is closing, a kept-alive connection has no further request to wait for.
    response.once('close', () => {
      if (!server.listening) server.closeIdleConnections();
    });
    void serve(request, response);
  });
  return server;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startMs = options.clock.nowMs();
    const record = recordOnce(options.record);
    const facts = { ...factsOf(request, response), record };
    const onRefused = (codes: readonly string[]) =>
      record(refusedRecord(facts.requestId, codes, options.clock.nowMs() - startMs));
    response.setHeader('x-request-id', facts.requestId);
    try {
      await answer(request, response, { ...facts, onRefused });
    } catch (thrown) {
      const error = refuse(thrown, facts.requestId, options.log);
      onRefused([String(error.extensions['code'])]);
      sendRefusal(response, error);
    }
  }
}

type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  facts: Omit<HttpFacts, 'principal' | 'parameters' | 'deadlineMs'>,
) => Promise<void>;

/** Answers what can be answered, and rejects with what is to be refused. */
function createAnswer(options: HttpOptions): Answer {
  const yoga = createGraph(options);
  const explorer = options.explorer ? createExplorer(graphqlPath) : undefined;
  return async (request, response, facts) => {
    const { url = '' } = request;
    assertPath(url);
    if (explorer && asksForPage(request)) return explorer(response);
    assertServable(request);
    const deadlineMs = options.clock.nowMs() + timeoutFrom(timeoutHeaderOf(request), options.timeoutMs);
    const identified = options.identify(credentialsOf(request));
    const principal =
      identified instanceof Promise
        ? await principalBefore(deadlineMs, identified, options.clock, facts.signal)
        : identified;
    const parameters =
      request.method === 'POST'
        ? parseBody(await readBody(request, options.bodyMaxBytes), options.jsonMaxDepth)
        : parseQuery(url, options.jsonMaxDepth);
    // Yoga would wait for the body that has been read, and looks at every byte of one that it is given.
    if (request.method === 'POST') Object.assign(request, { body: ' ' });
    await yoga(request, response, { ...facts, deadlineMs, principal, parameters });
  };
}

/** Keys may come from a service that hangs: who asks is not waited for longer than the answer may take. */
async function principalBefore(
  deadlineMs: number,
  identified: Promise<Principal>,
  clock: Clock,
  gone: AbortSignal,
): Promise<Principal> {
  const deadline = createDeadline(Math.max(0, deadlineMs - clock.nowMs()), clock, gone);
  try {
    return await unlessAborted(identified, deadline.signal);
  } finally {
    deadline.cleanup();
  }
}

function createGraph({ schema, log, pipeline }: HttpOptions) {
  return createYoga<HttpFacts>({
    schema,
    plugins: [createHttpBorder(log), pipeline],
    graphqlEndpoint: graphqlPath,
    // Yoga takes any address that ends so for its health check: no address has a space.
    healthCheckEndpoint: ' ',
    graphiql: false,
    landingPage: false,
    logging: false,
    cors: false,
    multipart: false,
    // The pipeline keeps documents, within bounds.
    parserAndValidationCache: false,
    // The body is read, limited and parsed before Yoga sees the request.
    maxRequestBodySize: false,
    maskedErrors: { maskError: wrapError },
  });
}

function credentialsOf({ headers, headersDistinct, socket }: IncomingMessage): Credentials {
  // `headers` keeps one of several values in silence; Node makes `headersDistinct` anew for each request that reads it.
  const authorization = headers.authorization === undefined ? undefined : headersDistinct['authorization'];
  return { authorization, address: socket.remoteAddress };
}

function factsOf(
  request: IncomingMessage,
  response: ServerResponse,
): Omit<RequestFacts, 'principal' | 'record' | 'deadlineMs'> {
  const { headers } = request;
  const given = headerOf(headers['x-request-id']);
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new DOMException('The client has gone.', 'AbortError'));
  });
  return {
    requestId: given !== undefined && requestIdPattern.test(given) ? given : randomUUID(),
    traceparent: headerOf(headers['traceparent']),
    signal: gone.signal,
  };
}

function timeoutHeaderOf({ headers }: IncomingMessage): string | undefined {
  return headerOf(headers['weir-timeout-ms']);
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function assertPath(url: string): void {
  const path = url.split('?', 1)[0];
  if (path === graphqlPath) return;
  throw new WeirError('NOT_FOUND', {
    message: `Expected a request to ${graphqlPath}, got ${path?.slice(0, 100)}.`,
  });
}
