import { type ExecutionResult, subscribe } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { Log } from '../observe/log.ts';
import { onAbort } from '../signal.ts';
import { createOperationContext, type OperationContext, type OperationParts } from './context.ts';
import { createExecutor } from './execution.ts';
import { settle, settleEvents, settleFailure } from './settle.ts';

/** What the pipeline needs of its gateway. */
export interface PipelineParts extends OperationParts {
  readonly log: Log;
  /** Longest that an operation may take; `Weir-Timeout-Ms` can only shorten it. */
  readonly timeoutMs: number;
}

/** What a transport says of a request before its operation begins. */
export interface RequestFacts {
  readonly requestId: string;
  /** Of the header `Weir-Timeout-Ms`, as it came. */
  readonly timeoutHeader: string | undefined;
  /** Of the header `traceparent`, as it came. */
  readonly traceparent: string | undefined;
  /** Who asks, verified. */
  readonly principal: Principal;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** W3C Trace Context, section 3.2.2: no version ff, no id of zeros alone. */
const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What resolvers get after the deadline to fail by its signal, so that the rest of the answer still stands. */
const graceMs = 25;

/**
 * The one path parse -> execute -> settle, as an Envelop plugin: every transport obtains it with `getEnveloped`, whose
 * initial context carries the {@link RequestFacts}.
 */
export function createPipeline(parts: PipelineParts): Plugin<RequestFacts & OperationContext> {
  const executor = createExecutor();
  return {
    onContextBuilding({ context, extendContext }) {
      extendContext(startOperation(parts, context));
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn((args) => runOperation(() => executor(args), args.contextValue, parts));
    },
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args) => runOperation(() => subscribe(args), args.contextValue, parts));
    },
  };
}

function startOperation(parts: PipelineParts, request: RequestFacts): OperationContext {
  return createOperationContext(parts, {
    requestId: request.requestId,
    traceparent: traceparentPattern.test(request.traceparent ?? '') ? request.traceparent : undefined,
    timeoutMs: timeoutFrom(request.timeoutHeader, parts.timeoutMs),
    principal: request.principal,
    signal: request.signal,
  });
}

function timeoutFrom(header: string | undefined, maxMs: number): number {
  if (header === undefined) return maxMs;
  const timeoutMs = Number(header);
  if (/^\d{1,15}$/.test(header) && timeoutMs >= 1) return Math.min(timeoutMs, maxMs);
  throw new WeirError('BAD_REQUEST', {
    message: `Header "Weir-Timeout-Ms": expected a whole number of milliseconds from 1, got "${header.slice(0, 40)}".`,
  });
}

type Result = ExecutionResult | AsyncIterable<ExecutionResult>;

/** Runs to the end in every case: the operation is ended with its answer, or with the last of its events. */
async function runOperation(
  start: () => Result | PromiseLike<Result>,
  context: OperationContext,
  { clock, log }: PipelineParts,
): Promise<Result> {
  const settlement = { context, log };
  let isLive = false;
  try {
    const result = await beforeDeadline(start(), context.signal, clock);
    isLive = isAsyncIterable(result);
    return isAsyncIterable(result) ? settleEvents(result, settlement) : settle(result, settlement);
  } catch (thrown) {
    return settleFailure(thrown, settlement);
  } finally {
    if (!isLive) context.end();
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
