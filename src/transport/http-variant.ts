import type { GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { JsonLimits } from '../guard/shape/json-guard.ts';
import type { OperationContext } from '../operation/context.ts';
import type { RequestFacts } from '../operation/request-facts.ts';
import { createHttpBorder, wrapError } from './http-border.ts';
import type { StreamOperationParts } from './stream-operation.ts';
import type { Streams, VariantStreams } from './streams.ts';
import type { VariantRoute } from './variant-routes.ts';

/** One face of the graph: where it is served, by what, and within which limits. */
export interface HttpVariant extends VariantRoute {
  readonly name: string;
  readonly schema: GraphQLSchema;
  readonly pipeline: Plugin<RequestFacts & OperationContext>;
  readonly cachePolicyOf: StreamOperationParts['cachePolicyOf'];
  readonly bodyMaxBytes: number;
  /** Bounds of a request's JSON. */
  readonly json: JsonLimits;
  /** Longest that an operation may take; `Weir-Timeout-Ms` can only shorten it. */
  readonly timeoutMs: number;
}

/** A variant with its transports. */
export interface ServedVariant extends HttpVariant, VariantStreams {}

/** Makes the transports of a variant. */
export function serveVariant(variant: HttpVariant, streams: Pick<Streams, 'serve'>): ServedVariant {
  // as: what Envelop's `any` hides is told by Enveloped
  const getEnveloped = createGraph(variant).getEnveloped as unknown as StreamOperationParts['getEnveloped'];
  return { ...variant, ...streams.serve({ ...variant, variant: variant.name, getEnveloped }) };
}

function createGraph({ schema, pipeline, paths: [path = '/'] }: HttpVariant) {
  return createYoga<RequestFacts>({
    schema,
    plugins: [createHttpBorder(), pipeline],
    graphqlEndpoint: path,
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
