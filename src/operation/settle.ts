import { type ExecutionResult, GraphQLError } from 'graphql';
import { capErrors } from '../guard/documents/error-cap.ts';
import type { Log } from '../observe/log.ts';
import type { OperationContext } from './context.ts';
import { publicError } from './public-error.ts';
import { codesOf, type EndedOperation } from './record-end.ts';

/** The end of an operation, given by what executed it. */
export interface Settlement {
  readonly context: OperationContext;
  readonly log: Log;
  /** Most errors of one answer; see {@link capErrors}. */
  readonly maxErrors: number;
  /** Told once when there is nothing more to come, with the codes of all that came. */
  readonly onEnd: (end: EndedOperation) => void;
}

/**
 * The result as a client may see it: every error is one of the closed table, and each fault behind them is logged once,
 * however many fields it reached.
 */
export function settle(result: ExecutionResult, settlement: Settlement): ExecutionResult {
  return settleAnswer(withPublicErrors(result, settlement), settlement);
}

/** The same for an answer whose errors are public already. */
export function settleAnswer(answer: ExecutionResult, { onEnd }: Pick<Settlement, 'onEnd'>): ExecutionResult {
  onEnd({ codes: codesOf(answer), hasData: isPresent(answer.data) });
  return answer;
}

function isPresent(data: unknown): boolean {
  return data !== null && data !== undefined;
}

/** The result with errors of the closed table only, at most `maxErrors` of them; faults behind them are logged. */
export function withPublicErrors(
  result: ExecutionResult,
  { context, log, maxErrors }: Omit<Settlement, 'onEnd'>,
): ExecutionResult {
  if (!result.errors?.length) return result;
  const { requestId } = context;
  const logged = new Set<unknown>();
  const errors = capErrors(result.errors, maxErrors).map((thrown) => {
    const { error, fault } = publicError(thrown, requestId);
    const origin = fault?.cause ?? fault;
    if (fault && !logged.has(origin))
      log.error({ requestId, path: error.path?.join('.'), err: fault }, 'field failed');
    logged.add(origin);
    return error;
  });
  return { ...result, errors };
}

/** The result of an execution that itself failed: no data, one error. */
export function settleFailure(thrown: unknown, settlement: Settlement): ExecutionResult {
  return settle({ errors: [failureFrom(thrown)] }, settlement);
}

/** Whatever was thrown, as the error of a result that is not public yet: see {@link withPublicErrors}. */
export function failureFrom(thrown: unknown): GraphQLError {
  const originalError = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new GraphQLError('', { originalError });
}

/**
 * The events of a subscription, each settled. The operation ends with them: at their end, when they fail, or when the
 * reader leaves. By hand and not as a generator, whose `finally` never runs while it is parked or before it is started.
 */
export function settleEvents(
  events: AsyncIterable<ExecutionResult>,
  settlement: Settlement,
): AsyncIterableIterator<ExecutionResult, undefined> {
  const codes = new Set<string>();
  const end = () => settlement.onEnd({ codes: [...codes], hasData: true });
  const iterator = events[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      try {
        const step = await iterator.next();
        if (!step.done) {
          const value = withPublicErrors(step.value, settlement);
          for (const code of codesOf(value)) codes.add(code);
          return { done: false, value };
        }
      } catch (thrown) {
        throw publicFailure(thrown, settlement);
      }
      end();
      return { done: true, value: undefined };
    },
    return: async () => {
      end();
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
}

function publicFailure(thrown: unknown, settlement: Settlement): unknown {
  return settleFailure(thrown, settlement).errors?.[0];
}
