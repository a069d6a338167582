import {
  type DirectiveNode,
  type ExecutionResult,
  experimentalExecuteRootSelectionSet,
  type OperationDefinitionNode,
  type ValidatedExecutionArgs,
} from 'graphql';
import { WeirError } from '../errors.ts';
import type { OpenTally } from '../guard/cost/tally.ts';
import type { Charge } from './charge.ts';
import { asksForParts, incrementalUses } from './incremental-use.ts';
import { isInParts, type LaterPart, type PartsResult, type PendingPart } from './parts.ts';
import {
  type AnswerPath,
  type CountObject,
  type Marked,
  takeMarks,
  withTypenames,
} from './typename-marks.ts';

type InParts = ExecutionResult | PartsResult;

/**
 * Executes a query that asks for an answer in parts; undefined for an operation that asks for none. The tally is told of
 * its objects as they are answered. What is to come when `signal` has aborted before the first part never comes. Throws
 * GraphQLError for an `initialCount` below 0, WeirError, `DIRECTIVE_LIMIT`, for more parts than there may be.
 */
export type ExecuteInParts = (
  validated: ValidatedExecutionArgs,
  charge: Pick<Charge, 'tally' | 'deferredParts'>,
  signal: AbortSignal,
) => InParts | Promise<InParts> | undefined;

/** What is known of one operation. */
interface Known {
  readonly uses: readonly DirectiveNode[];
  /** Made when it is needed. */
  marked: Marked | undefined;
}

/**
 * Executes by graphql-js, whose fields are resolved once however many fragments ask for them. What comes later is begun
 * at once, so that it shares the batches of what comes first: it is not later than it must be, and makes no call of its own.
 * At most `maxParts` come later.
 */
export function createPartsExecutor(maxParts: number): ExecuteInParts {
  const operations = new WeakMap<OperationDefinitionNode, Known>();
  return (validated, charge, signal) => {
    const { operation } = validated;
    const known = operations.get(operation) ?? { uses: incrementalUses(validated), marked: undefined };
    operations.set(operation, known);
    if (known.uses.length === 0) return undefined;
    const count = counterOf(charge.tally);
    if (!asksForParts(known.uses, validated)) return undefined;
    if (charge.deferredParts() > maxParts) throw tooManyParts(maxParts);
    known.marked ??= withTypenames(validated);
    const { mark, ...marked } = known.marked;
    const name = validated.schema.getRootType(operation.operation)?.name ?? '';
    count(` ${name}`);
    const result = experimentalExecuteRootSelectionSet({
      ...validated,
      ...marked,
      enableEarlyExecution: true,
    });
    if (!(result instanceof Promise)) return counted(result, mark, count);
    return result.then((settled) => {
      if (signal.aborted && isInParts(settled)) void settled.subsequentResults.return();
      return counted(settled, mark, count);
    });
  };
}

function tooManyParts(maximum: number): WeirError {
  const message = `Expected at most ${maximum} parts of an answer that come later, each list at its largest, got more. The option is limits.maxDeferredParts.`;
  return new WeirError('DIRECTIVE_LIMIT', { message, extensions: { maximum } });
}

function counterOf(tally: OpenTally): CountObject {
  const places: string[] = [];
  const counts: number[] = [];
  const indexes = new Map<string, number>();
  tally.begin(places, counts);
  return (place) => {
    let index = indexes.get(place);
    if (index === undefined) {
      index = places.push(place) - 1;
      indexes.set(place, index);
    }
    counts[index] = (counts[index] ?? 0) + 1;
  };
}

/** The result without its marks, counted as it is read. */
function counted(result: InParts, mark: string, count: CountObject): InParts {
  if (!isInParts(result)) {
    takeMarks(result.data, [], mark, count);
    return result;
  }
  const paths = new Map<string, AnswerPath>();
  const take = (part: LaterPart) => {
    remember(paths, part.pending);
    for (const one of part.incremental ?? []) {
      const path = [...(paths.get(one.id) ?? []), ...('subPath' in one ? (one.subPath ?? []) : [])];
      takeMarks('items' in one ? one.items : one.data, path, mark, count);
    }
  };
  const { initialResult, subsequentResults } = result;
  takeMarks(initialResult.data, [], mark, count);
  remember(paths, initialResult.pending);
  return {
    initialResult,
    subsequentResults: {
      next: async () => {
        const step = await subsequentResults.next();
        if (!step.done) take(step.value);
        return step;
      },
      return: () => subsequentResults.return(),
    },
  };
}

function remember(paths: Map<string, AnswerPath>, pending: readonly PendingPart[] = []): void {
  for (const { id, path } of pending) paths.set(id, path);
}
