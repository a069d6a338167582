import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
} from 'graphql';
import { type ErrorCode, WeirError } from '../errors.ts';
import type { DocumentGate } from '../guard/documents/gate.ts';
import type { Documents } from '../guard/documents.ts';
import { unlessAborted } from '../signal.ts';
import type { Charging } from './charging.ts';
import type { OperationContext } from './context.ts';
import type { CursorRequest } from './cursor-request.ts';
import { feedTopic } from './feed-topic.ts';
import type { RequestFacts } from './request-facts.ts';
import { validatedArgs } from './run-operation.ts';
import { isSubscription, type Subscribed, type SubscribeParts, subscribedTo } from './subscribed.ts';
import { TopicSource } from './topic-source.ts';

/** What capturing needs of the gateway. */
export interface CaptureParts extends SubscribeParts {
  readonly documents: Documents;
  readonly gate: DocumentGate;
}

/** Where a subscription stands, or why it may not be asked. */
export type Captured =
  | { readonly cursor: string }
  | { readonly errors: NonNullable<ExecutionResult['errors']> };

/**
 * The position from which a subscription goes on without a hole, for a request that is about to read: it is parsed,
 * validated, priced and authorized as if it were subscribed to, and its topic is fed from before the position on, and for a
 * while after. Costs what subscribing costs. `args` are of the request. Rejects with what refuses it.
 */
export async function captureCursor(
  asked: CursorRequest,
  args: ExecutionArgs,
  parts: CaptureParts,
): Promise<Captured> {
  const { operationName, variables } = asked;
  const document = validDocument(asked, args, parts);
  if ('errors' in document) return document;
  const given = { ...args, document, operationName: operationName ?? null, variableValues: variables ?? {} };
  const context = args.contextValue as OperationContext; // as: graphql-js knows nothing of contexts
  const opened = await openPriced(given, context, parts);
  if ('errors' in opened) return opened;
  const cursor = await positionOf(opened, context, parts);
  // What was read so far is of before the position: what is answered must not be.
  context.forget();
  return { cursor };
}

type Refused = Extract<Captured, { readonly errors: unknown }>;

/** By the gate that the request itself came through. */
function validDocument(
  { query, documentId }: CursorRequest,
  { schema, contextValue }: ExecutionArgs,
  { documents, gate }: CaptureParts,
): DocumentNode | Refused {
  const { naming, principal } = contextValue as RequestFacts; // as: what the transport began the context with
  try {
    const asked = { ...naming, query, documentId, extensions: undefined };
    const document = gate.find(asked, principal);
    const errors = documents.validate(schema, document);
    return errors.length === 0
      ? document
      : { errors: errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')) };
  } catch (thrown) {
    if (thrown instanceof GraphQLError) return { errors: [coded(thrown, 'GRAPHQL_PARSE_FAILED')] };
    throw thrown;
  }
}

/** As Envelop codes what refuses a document; the bounds of a document have codes of their own. */
function coded(
  { message, nodes, source, positions, extensions }: GraphQLError,
  code: ErrorCode,
): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code, ...extensions } });
}

/** The source of the subscription, for the price of subscribing. */
async function openPriced(
  args: ExecutionArgs,
  context: OperationContext,
  { charging, limits }: CaptureParts,
): Promise<Subscribed | Refused> {
  const validated = validatedArgs(args, limits);
  if (!('schema' in validated)) return { errors: validated };
  if (!isSubscription(validated)) throw refused(`a subscription, got a ${validated.operation.operation}`);
  const { coerced: variables } = validated.variableValues;
  const charge = await beginCharge({ args, variables, context, charging });
  try {
    const stream = await createSourceEventStream(validated);
    if (stream instanceof TopicSource)
      return subscribedTo(stream, { args, validated, principal: context.principal });
    if ('errors' in stream) return { errors: stream.errors ?? [] };
    if (Symbol.asyncIterator in stream) await stream[Symbol.asyncIterator]().return?.();
    throw refused('a subscription to a topic, got one whose events have no position');
  } finally {
    charge.settle();
  }
}

interface ToCharge {
  readonly args: ExecutionArgs;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: OperationContext;
  readonly charging: Charging;
}

async function beginCharge({ args, variables, context, charging }: ToCharge) {
  const { document, operationName } = args;
  const operation = { document, operationName, variables, isMutation: false, mode: undefined };
  // Without upstreams: those that its events may not ask, the request still may.
  const charge = await charging.begin(operation, { ...context, upstreams: {} });
  const refusal = charge.refusal();
  if (refusal) throw refusal;
  charge.tally.begin([], []);
  return charge;
}

async function positionOf(
  subscribed: Subscribed,
  { signal, requestId }: OperationContext,
  parts: CaptureParts,
): Promise<string> {
  const { topic } = subscribed;
  if (topic.mode === 'lossy')
    throw refused('a subscription to a topic that keeps its events, got one that keeps none');
  const { ready, release } = feedTopic(subscribed, requestId, parts);
  try {
    await unlessAborted(ready, signal);
    return parts.resumeCursors.encode(subscribed, await unlessAborted(parts.broker.head(topic), signal));
  } finally {
    release();
  }
}

function refused(expectedAndGot: string): WeirError {
  return new WeirError('BAD_REQUEST', {
    message: `Request "extensions.cursor": expected ${expectedAndGot}.`,
  });
}
