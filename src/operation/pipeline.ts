import { type ExecutionArgs, type ExecutionResult, subscribe } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Clock } from '../clock.ts';
import { createDocuments, type DocumentLimits } from '../guard/documents.ts';
import { shapeError } from '../guard/shape/refusal.ts';
import { excessOfVariables } from '../guard/shape/variables-guard.ts';
import type { Principal } from '../identity/principal.ts';
import type { Log } from '../observe/log.ts';
import { type RandomHex, traceFrom } from '../observe/trace.ts';
import { onAbort } from '../signal.ts';
import { createOperationContext, type OperationContext, type OperationParts } from './context.ts';
import { createExecutor } from './execution.ts';
import { type Executed, executedRecord, type RecordEnd } from './record-end.ts';
import { type Settlement, settle, settleEvents, settleFailure } from './settle.ts';

/** What the pipeline needs of its gateway. */
export interface PipelineParts extends OperationParts {
  readonly limits: DocumentLimits;
  readonly log: Log;
  readonly randomHex: RandomHex;
}

/** What a transport says of a request before its operation begins. */
export interface RequestFacts {
  readonly requestId: string;
  /** When the answer must be there, in {@link Clock.nowMs} milliseconds: see timeoutFrom. May have passed. */
  readonly deadlineMs: number;
  /** Of the header `traceparent`, as it came. */
  readonly traceparent: string | undefined;
  /** Takes the record of the operation's end; see recordOnce. */
  readonly record: RecordEnd;
  /** Who asks, verified. */
  readonly principal: Principal;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** What resolvers get after the deadline to fail by its signal, so that the rest of the answer still stands. */
const graceMs = 25;

/**
 * The one path parse -> guard -> execute -> settle, as an Envelop plugin: every transport obtains it with `getEnveloped`, whose
 * initial context carries the {@link RequestFacts}.
 */
export function createPipeline(parts: PipelineParts): Plugin<RequestFacts & OperationContext> {
  const executor = createExecutor();
  const documents = createDocuments(parts.limits);
  return {
    onParse({ setParseFn }) {
      setParseFn((source) => documents.parse(typeof source === 'string' ? source : source.body));
    },
    onValidate({ setValidationFn }) {
      setValidationFn(documents.validate);
    },
    onContextBuilding({ context, extendContext }) {
      extendContext(startOperation(parts, context));
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn((args) =>
        runOperation(() => executor(withinLimits(args, parts)), operationOf(args), parts),
      );
    },
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args) =>
        runOperation(() => subscribe(withinLimits(args, parts)), operationOf(args), parts),
      );
    },
  };
}

function startOperation(parts: PipelineParts, request: RequestFacts): OperationContext {
  return createOperationContext(parts, {
    requestId: request.requestId,
    trace: traceFrom(request.traceparent, parts.randomHex),
    timeoutMs: Math.max(0, request.deadlineMs - parts.clock.nowMs()),
    principal: request.principal,
    signal: request.signal,
  });
}

function withinLimits(args: ExecutionArgs, { limits }: PipelineParts): ExecutionArgs {
  const excess = excessOfVariables(args.variableValues, limits);
  if (excess) throw shapeError(excess, limits[excess]);
  return args;
}

/** What is executed, in the context that {@link startOperation} built on the transport's facts. */
interface Operation {
  readonly context: OperationContext & Pick<RequestFacts, 'record'>;
  readonly executed: Executed;
}

function operationOf({ contextValue, document, operationName }: ExecutionArgs): Operation {
  const context = contextValue as Operation['context']; // as: graphql-js knows nothing of contexts
  return { context, executed: [document, operationName] };
}

type Result = ExecutionResult | AsyncIterable<ExecutionResult>;

/** Runs to the end in every case: the operation is ended with its answer, or with the last of its events. */
async function runOperation(
  start: () => Result | PromiseLike<Result>,
  { context, executed }: Operation,
  { clock, log, limits: { maxErrors } }: PipelineParts,
): Promise<Result> {
  const onEnd: Settlement['onEnd'] = (end) => {
    context.end();
    context.record(executedRecord(context, executed, end, clock.nowMs()));
  };
  const settlement = { context, log, maxErrors, onEnd };
  try {
    const result = await beforeDeadline(start(), context.signal, clock);
    return isAsyncIterable(result) ? settleEvents(result, settlement) : settle(result, settlement);
  } catch (thrown) {
    return settleFailure(thrown, settlement);
  }
}

/** The outcome of `work`, or the signal's reason a little after it has aborted: a resolver may never end by itself. */
function beforeDeadline<Outcome>(
  work: Outcome | PromiseLike<Outcome>,
  signal: AbortSignal,
  clock: Clock,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let cancelTimer = () => {};
    const unlink = onAbort(signal, () => {
      cancelTimer = clock.after(graceMs, () => reject(signal.reason));
    });
    const leave = () => {
      unlink();
      cancelTimer();
    };
    Promise.resolve(work).finally(leave).then(resolve, reject);
  });
}
