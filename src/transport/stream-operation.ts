import { type DocumentNode, type ExecutionResult, GraphQLError, getOperationAST } from 'graphql';
import type { CachePolicy } from '../caching/policy.ts';
import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { DocumentNaming } from '../guard/documents/gate.ts';
import type { Principal } from '../identity/principal.ts';
import type { Log } from '../observe/log.ts';
import { AnswerInParts } from '../operation/answer-in-parts.ts';
import { type RecordEnd, recordOnce, refusedRecord } from '../operation/record-end.ts';
import type { RequestFacts } from '../operation/request-facts.ts';
import { type Deliverable, isDeliverable } from '../realtime/sink.ts';
import { costAskedBy } from './cost-asked.ts';
import { refuse } from './refusal.ts';
import { deliverableFrom } from './stream-iterable.ts';
import type { StreamParameters } from './stream-parameters.ts';

/** One operation as a transport of streams read it. */
export interface StreamRequest {
  readonly requestId: string;
  readonly principal: Principal;
  readonly traceparent: string | undefined;
  /** See {@link RequestFacts}; the deadline is of the answer, or of the admission of a subscription. */
  readonly deadlineMs: number;
  /** GET changes nothing: a mutation by it is refused (GraphQL over HTTP, section 5.3). */
  readonly method: 'GET' | 'POST';
  /** See {@link DocumentNaming}; default: `safe`. */
  readonly origin?: DocumentNaming['origin'];
  readonly parameters: StreamParameters;
  /** Takes the record of its end, once; default: that of the gateway. */
  readonly record?: RecordEnd;
  /** See {@link RequestFacts}; default: none, as a WebSocket's messages have none. */
  readonly costHeader?: string | undefined;
  readonly idempotencyHeader?: string | undefined;
  readonly takesParts?: boolean;
  readonly setHeader?: RequestFacts['setHeader'];
}

/** What came of an operation. */
export type StreamOutcome =
  /** It was not executed, or gave no data at all; each error says by `extensions.http` how HTTP sends it. */
  | {
      readonly kind: 'refused';
      readonly errors: readonly GraphQLError[];
      readonly extensions?: ExecutionResult['extensions'];
    }
  | {
      readonly kind: 'result';
      readonly result: ExecutionResult;
      /** What comes later, where the transport said that its client takes parts; `result` is the first of them. */
      readonly later?: Pick<AnswerInParts, 'next' | 'leave'>;
    }
  /** Nothing has begun yet: see {@link Deliverable}. */
  | { readonly kind: 'events'; readonly events: Deliverable };

/** An operation that was refused. */
export type Refused = Extract<StreamOutcome, { readonly kind: 'refused' }>;

/** An operation whose document was read: refused, or ready to run. */
export type Prepared =
  | Refused
  | {
      readonly kind: 'ready';
      readonly isSubscription: boolean;
      /** How its answer may be kept, once it is there; undefined: not at all. */
      readonly cachePolicy: () => CachePolicy | undefined;
      /** Executes or subscribes, once; never rejects. */
      readonly run: () => Promise<StreamOutcome>;
      /** Refuses it after all, in place of `run`. */
      readonly refuse: (thrown: unknown) => Refused;
      /** Ends what `run` began and nobody waits for any more; of use until its outcome is there. */
      readonly abort: () => void;
    };

/** Parses and validates an operation by the pipeline that HTTP uses. Never throws. */
export type PrepareOperation = (request: StreamRequest) => Prepared;

/** What the pipeline of one operation does, as Envelop's `getEnveloped` gives it. */
export interface Enveloped {
  readonly schema: unknown;
  readonly parse: (source: string) => DocumentNode;
  readonly validate: (schema: unknown, document: DocumentNode) => readonly GraphQLError[];
  readonly contextFactory: () => unknown;
  readonly execute: (args: unknown) => unknown;
  readonly subscribe: (args: unknown) => unknown;
}

/** What an operation of a stream begins with in its context; plugins of Yoga find the same members as over HTTP. */
export interface StreamFacts extends RequestFacts {
  readonly acceptsEvents: true;
  readonly params: StreamParameters;
  readonly request: { readonly method: string };
}

/** What preparing needs of the gateway. */
export interface StreamOperationParts {
  /** The face of the graph whose pipeline this is. */
  readonly variant: string;
  readonly getEnveloped: (facts: StreamFacts) => Enveloped;
  /** How answers to an operation that anybody may name may be kept. */
  readonly cachePolicyOf: (
    document: DocumentNode,
    operationName: string | undefined,
  ) => CachePolicy | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly record: RecordEnd;
}

/**
 * A subscription that the pipeline admitted, on its way out of Envelop: no async iterable, so that nothing on that way
 * wraps it and its events can be pushed.
 */
class HeldEvents {
  readonly events: AsyncIterable<unknown>;

  constructor(events: AsyncIterable<unknown>) {
    this.events = events;
  }
}

/** Takes a subscription out of Envelop's hands: its `onSubscribeResult`. */
export function holdEvents({ result, setResult }: HeldResult): void {
  if (!isAsyncIterable(result)) return;
  setResult(new HeldEvents(result) as never); // as: what Envelop hands on to us without a look at it
}

/** As Envelop calls it; its type knows only what it would itself make of a result. */
interface HeldResult {
  readonly result: unknown;
  readonly setResult: (result: never) => void;
}

/** The one path of operations over WebSocket and streams; what a transport does with the outcome is its own. */
export function createStreamOperations(parts: StreamOperationParts): PrepareOperation {
  const policyFor = createPolicyFor(parts);
  return (request) => {
    const startMs = parts.clock.nowMs();
    const record = request.record ?? recordOnce(parts.record);
    const refused = (thrown: readonly unknown[]): Refused => {
      const errors = thrown.map((error) => refuse(error, request.requestId, parts.log));
      const codes = errors.map(({ extensions }) => String(extensions['code']));
      const { requestId } = request;
      const durationMs = parts.clock.nowMs() - startMs;
      record(refusedRecord({ requestId, variant: parts.variant, codes, durationMs }));
      return { kind: 'refused', errors };
    };
    const gone = new AbortController();
    try {
      let isPersonal = false;
      const onPersonal = () => {
        isPersonal = true;
      };
      const facts = factsOf(request, record, gone.signal);
      const enveloped = parts.getEnveloped(request.method === 'GET' ? { ...facts, onPersonal } : facts);
      const document = enveloped.parse(request.parameters.query);
      const errors = enveloped.validate(enveloped.schema, document);
      if (errors.length > 0) return refused(errors);
      const abort = () => gone.abort(new DOMException('The client has gone.', 'AbortError'));
      const cachePolicy = () => policyFor(request, document, isPersonal);
      return readyFrom(request, { enveloped, document, cachePolicy, refused, abort });
    } catch (thrown) {
      return refused([thrown]);
    }
  };
}

interface ReadyParts {
  readonly enveloped: Enveloped;
  readonly document: DocumentNode;
  readonly cachePolicy: () => CachePolicy | undefined;
  readonly refused: (thrown: readonly unknown[]) => Refused;
  readonly abort: () => void;
}

/**
 * What the schema says, unless the answer was made with a look at who asks: such a one is of nobody else. That is a fault
 * of the schema, and is told once for each document.
 */
function createPolicyFor({ cachePolicyOf, log, variant }: StreamOperationParts) {
  const told = new WeakSet<DocumentNode>();
  return (request: StreamRequest, document: DocumentNode, isPersonal: boolean): CachePolicy | undefined => {
    if (!isPlainGet(request)) return undefined;
    const policy = cachePolicyOf(document, request.parameters.operationName);
    if (!policy || !isPersonal || policy.scope === 'private') return policy;
    const { requestId } = request;
    if (!told.has(document))
      log.warn({ requestId, variant }, 'what the schema calls public depends on who asks');
    told.add(document);
    return { ...policy, scope: 'private' };
  };
}

/** Whether it asks for nothing that is of this moment or of this caller. */
function isPlainGet(request: StreamRequest): boolean {
  const { method, parameters } = request;
  const asksForCursor = (parameters.extensions?.['cursor'] ?? null) !== null;
  return method === 'GET' && costAskedBy(request) === undefined && !asksForCursor;
}

function readyFrom({ parameters }: StreamRequest, ready: ReadyParts): Prepared {
  const { enveloped, document, cachePolicy, refused, abort } = ready;
  const operation = getOperationAST(document, parameters.operationName);
  const isSubscription = operation?.operation === 'subscription';
  const start = isSubscription ? enveloped.subscribe : enveloped.execute;
  const run = async (): Promise<StreamOutcome> => {
    try {
      const result = await start({
        schema: enveloped.schema,
        document,
        contextValue: await enveloped.contextFactory(),
        variableValues: parameters.variables,
        operationName: parameters.operationName,
      });
      return outcomeFrom(result, ready);
    } catch (thrown) {
      return refused([thrown]);
    }
  };
  return { kind: 'ready', isSubscription, cachePolicy, run, refuse: (thrown) => refused([thrown]), abort };
}

function outcomeFrom(result: unknown, { refused, abort }: ReadyParts): StreamOutcome {
  if (result instanceof AnswerInParts) return { kind: 'result', result: result.initial, later: result };
  const events = result instanceof HeldEvents ? result.events : result;
  if (isDeliverable(events)) return { kind: 'events', events };
  if (isAsyncIterable(events)) return { kind: 'events', events: deliverableFrom(events, abort) };
  const answer = result as ExecutionResult; // as: what else execute and subscribe give
  if ('data' in answer) return { kind: 'result', result: answer };
  const outcome = refused(answer.errors ?? [noAnswer()]);
  return answer.extensions ? { ...outcome, extensions: answer.extensions } : outcome;
}

function noAnswer(): WeirError {
  return new WeirError('INTERNAL_SERVER_ERROR');
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function factsOf(request: StreamRequest, record: RecordEnd, signal: AbortSignal): StreamFacts {
  return {
    requestId: request.requestId,
    principal: request.principal,
    traceparent: request.traceparent,
    deadlineMs: request.deadlineMs,
    signal,
    record,
    naming: {
      documentId: request.parameters.documentId,
      extensions: request.parameters.extensions,
      origin: request.origin ?? 'safe',
    },
    costHeader: costAskedBy(request),
    idempotencyHeader: request.idempotencyHeader,
    takesParts: request.takesParts ?? false,
    setHeader: request.setHeader ?? setNoHeader,
    acceptsEvents: true,
    params: request.parameters,
    request: { method: request.method },
  };
}

function setNoHeader(): void {}

/** An error as it stands in a message to a client. */
export function shownError(error: GraphQLError): Record<string, unknown> {
  const { http: _sentByHttpOnly, ...extensions } = error.extensions;
  const { message, locations, path } = error;
  return { message, locations, path, extensions };
}

/** A refusal as a result of GraphQL, for streams that know no other form. */
export function refusedResult({ errors, extensions }: Refused): object {
  return { errors: errors.map(shownError), extensions };
}

/** JSON text of a result; one that cannot be JSON, as a scalar may give, becomes an error. */
export function jsonFrom(result: object): string {
  try {
    return JSON.stringify(result);
  } catch (cause) {
    const { code, message } = new WeirError('INTERNAL_SERVER_ERROR', { cause });
    return JSON.stringify({ errors: [new GraphQLError(message, { extensions: { code } })] });
  }
}
