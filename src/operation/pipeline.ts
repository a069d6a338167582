import { type ExecutionResult, execute, type GraphQLError } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { errorTable, WeirError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import { createOperationContext, type OperationContext, type OperationParts } from './context.ts';
import { publicError } from './public-error.ts';

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
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** W3C Trace Context, section 3.2.2. */
const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The one path parse -> execute -> settle, as an Envelop plugin: every transport obtains it with `getEnveloped`, whose
 * initial context carries the {@link RequestFacts}.
 */
export function createPipeline(parts: PipelineParts): Plugin<RequestFacts & OperationContext> {
  return {
    onContextBuilding({ context, extendContext }) {
      extendContext(startOperation(parts, context));
    },
    onExecute({ args, setExecuteFn }) {
      setExecuteFn(execute);
      const context: OperationContext = args.contextValue;
      return {
        onExecuteDone({ result, setResult }) {
          context.end();
          if (!isAsyncIterable(result)) setResult(settle(result, context, parts.log));
        },
      };
    },
  };
}

/** Converts an error that ended a request before it was executed; Yoga's `maskError`. */
export function refuse(thrown: unknown, requestId: string, log: Log): GraphQLError {
  const { error, fault } = publicError(thrown, requestId);
  if (fault) log.error({ requestId, err: fault }, 'request failed');
  const { code } = error.extensions;
  const status =
    typeof code === 'string' && Object.hasOwn(errorTable, code)
      ? errorTable[code as keyof typeof errorTable].httpStatus
      : 400; // as: hasOwn has just said so
  error.extensions['http'] ??= { status, spec: status < 401 };
  return error;
}

function startOperation(parts: PipelineParts, request: RequestFacts): OperationContext {
  return createOperationContext(parts, {
    requestId: request.requestId,
    traceparent: traceparentPattern.test(request.traceparent ?? '') ? request.traceparent : undefined,
    timeoutMs: timeoutFrom(request.timeoutHeader, parts.timeoutMs),
    signal: request.signal,
  });
}

function timeoutFrom(header: string | undefined, maxMs: number): number {
  if (header === undefined) return maxMs;
  const timeoutMs = Number(header);
  if (/^\d{1,9}$/.test(header) && timeoutMs >= 1) return Math.min(timeoutMs, maxMs);
  throw new WeirError('BAD_REQUEST', {
    message: `Header "Weir-Timeout-Ms": expected a whole number of milliseconds from 1, got "${header.slice(0, 40)}".`,
  });
}

function settle(result: ExecutionResult, context: OperationContext, log: Log): ExecutionResult {
  if (!result.errors?.length) return result;
  const errors = result.errors.map((thrown) => {
    const { error, fault } = publicError(thrown, context.requestId);
    if (fault)
      log.error({ requestId: context.requestId, path: error.path?.join('.'), err: fault }, 'field failed');
    return error;
  });
  return { ...result, errors };
}
