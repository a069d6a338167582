import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { WeirError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import type { OperationContext } from '../operation/context.ts';
import { type RequestFacts, refuse } from '../operation/pipeline.ts';
import { readBody } from './body.ts';
import { renderExplorer } from './explorer.ts';
import { sendRefusal } from './refusal.ts';

/** Where the graph is served. */
export const graphqlPath = '/graphql';

/** What the HTTP transport serves, and within which limits. */
export interface HttpOptions {
  readonly schema: GraphQLSchema;
  readonly pipeline: Plugin<RequestFacts & OperationContext>;
  readonly log: Log;
  readonly bodyMaxBytes: number;
  /** Whether browsers are given GraphiQL at the graph's path. */
  readonly explorer: boolean;
}

/** Milliseconds; a client that sends slower than this is not one (slow headers, slow body). */
const socketTimeouts = { headersTimeout: 5000, requestTimeout: 10_000, connectionsCheckingInterval: 1000 };

/** Request ids of callers are taken over when they look like this. */
const requestIdPattern = /^[A-Za-z0-9._:-]{1,128}$/;

/** A Node HTTP server of the graph, not yet listening. GraphQL over HTTP; JSON bodies and GET queries. */
export function createHttpServer(options: HttpOptions): Server {
  const yoga = createYoga<RequestFacts>({
    schema: options.schema,
    plugins: [options.pipeline],
    graphqlEndpoint: graphqlPath,
    graphiql: options.explorer,
    renderGraphiQL: renderExplorer,
    landingPage: false,
    logging: false,
    cors: false,
    multipart: false,
    // The body is read and limited before Yoga sees the request.
    maxRequestBodySize: false,
    maskedErrors: { maskError: (thrown) => refuse(thrown, randomUUID(), options.log) },
  });
  return createServer(socketTimeouts, (request, response) => {
    void serve(request, response);
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const facts = factsOf(request, response);
    response.setHeader('x-request-id', facts.requestId);
    try {
      await answer(request, response, facts);
    } catch (thrown) {
      const error = WeirError.from(thrown);
      if (error.code === 'INTERNAL_SERVER_ERROR')
        options.log.error({ requestId: facts.requestId, err: error }, 'request failed');
      sendRefusal(response, error, { close: true });
    }
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    facts: RequestFacts,
  ): Promise<void> {
    const path = request.url?.split('?', 1)[0];
    if (path !== graphqlPath) throw notFound(path);
    if (request.method === 'POST')
      Object.assign(request, { body: await readBody(request, options.bodyMaxBytes) });
    await yoga(request, response, facts);
  }
}

function factsOf(request: IncomingMessage, response: ServerResponse): RequestFacts {
  const { headers } = request;
  const given = headerOf(headers['x-request-id']);
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new DOMException('The client has gone.', 'AbortError'));
  });
  return {
    requestId: given !== undefined && requestIdPattern.test(given) ? given : randomUUID(),
    timeoutHeader: headerOf(headers['weir-timeout-ms']),
    traceparent: headerOf(headers['traceparent']),
    signal: gone.signal,
  };
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function notFound(path: string | undefined): WeirError {
  return new WeirError('NOT_FOUND', {
    message: `Expected a request to ${graphqlPath}, got ${path?.slice(0, 100)}.`,
  });
}
