import { type ExecutionResult, GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import { WeirError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import type { OperationContext } from '../operation/context.ts';
import type { RequestFacts } from '../operation/request-facts.ts';
import { refuse } from './refusal.ts';
import { holdEvents, type StreamFacts } from './stream-operation.ts';

/** What the HTTP transport says of a request to Yoga. */
export interface HttpFacts extends RequestFacts {
  /** What the operation gave, where it has run before Yoga; see stream-answer.ts. */
  readonly answered?: ExecutionResult;
  /** The GraphQL request as it came, parsed from JSON or from the URL; Yoga checks its members. */
  readonly parameters: unknown;
  /** Told of the codes of a request that ends without data. */
  readonly onRefused: (codes: readonly string[]) => void;
}

type BorderContext = OperationContext & Partial<Pick<StreamFacts, 'acceptsEvents'>>;

/**
 * The Yoga plugin between HTTP and the pipeline: takes the GraphQL request as our own transport read it, and gives every
 * error that ended a request without data its code of the closed table and its status.
 */
export function createHttpBorder(log: Log): Plugin<BorderContext, HttpFacts> {
  return {
    onRequestParse({ serverContext, setRequestParser }) {
      setRequestParser(() => serverContext.parameters as GraphQLParams); // as: Yoga checks what its parsers return
    },
    onParams({ context, setResult }) {
      const { answered } = context as Partial<HttpFacts>; // as: Yoga's own type of it is that of the resolvers
      if (answered) setResult(answered);
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      if (args.contextValue.acceptsEvents) return { onSubscribeResult: holdEvents };
      args.contextValue.end();
      setResultAndStopExecution({ errors: [subscriptionRefusal()] });
      return undefined;
    },
    onResultProcess({ result, serverContext, setResult }) {
      if (!isRefused(result)) return;
      const errors = result.errors.map((thrown) => refuse(thrown, serverContext.requestId, log));
      serverContext.onRefused(errors.map(({ extensions }) => String(extensions['code'])));
      setResult(result.extensions ? { errors, extensions: result.extensions } : { errors });
    },
  };
}

/** Yoga's `maskError`: only wraps, for it knows no request; `onResultProcess` above turns the wrapped error into a public one. */
export function wrapError(thrown: unknown): GraphQLError {
  return thrown instanceof GraphQLError
    ? thrown
    : new GraphQLError('', { originalError: WeirError.from(thrown) });
}

function subscriptionRefusal(): GraphQLError {
  const message =
    'Expected a query or a mutation, got a subscription: one JSON answer cannot carry its events.';
  return wrapError(new WeirError('NOT_ACCEPTABLE', { message }));
}

interface RefusedResult {
  readonly errors: readonly unknown[];
  readonly extensions?: Record<string, unknown>;
}

function isRefused(result: object): result is RefusedResult {
  return !('data' in result) && 'errors' in result && Array.isArray(result.errors);
}
