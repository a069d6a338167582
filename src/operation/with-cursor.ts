import { type ExecutionArgs, type ExecutionResult, OperationTypeNode } from 'graphql';
import { WeirError } from '../errors.ts';
import { type CaptureParts, captureCursor } from './capture-cursor.ts';
import { type CursorRequest, cursorRequestFrom } from './cursor-request.ts';
import { isInParts, type PartsResult } from './parts.ts';
import type { Run } from './run-operation.ts';

type Executed = ExecutionResult | PartsResult;

/** Executes an operation that may run. */
type Execute = (run: Run) => Executed | Promise<Executed>;

/**
 * Makes an execution answer in `extensions.cursor` where the subscription stood before that the request names in its own
 * `extensions.cursor`: who subscribes from there misses nothing that the answer does not show yet. What refuses the
 * subscription refuses the request.
 */
export function withCursor(execute: Execute, args: ExecutionArgs, parts: CaptureParts): Execute {
  return (run) => {
    const asked = cursorRequestFrom(args.contextValue);
    if (asked && run.validated.operation.operation !== OperationTypeNode.QUERY) throw notRead();
    return asked ? captureAndExecute(asked, () => execute(run), { args, run, parts }) : execute(run);
  };
}

function notRead(): WeirError {
  return new WeirError('BAD_REQUEST', {
    message: 'Request "extensions.cursor": expected it with a query, which reads, got it with a mutation.',
  });
}

interface Request {
  readonly args: ExecutionArgs;
  readonly run: Run;
  readonly parts: CaptureParts;
}

async function captureAndExecute(
  asked: CursorRequest,
  execute: () => Executed | Promise<Executed>,
  { args, run, parts }: Request,
): Promise<Executed> {
  // What is refused here has not used what the request was estimated at.
  run.charge.tally.begin([], []);
  const captured = await captureCursor(asked, args, parts);
  if ('errors' in captured) return captured;
  const result = await execute();
  if (!isInParts(result)) return withExtension(result, captured);
  return { ...result, initialResult: withExtension(result.initialResult, captured) };
}

function withExtension<Result extends ExecutionResult>(
  result: Result,
  { cursor }: { readonly cursor: string },
): Result {
  return { ...result, extensions: { ...result.extensions, cursor } };
}
