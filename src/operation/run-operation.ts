import {
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  getOperationAST,
  type OperationDefinitionNode,
  OperationTypeNode,
  type ValidatedExecutionArgs,
  validateExecutionArgs,
} from 'graphql';
import { isAsyncIterable } from 'graphql-yoga';
import type { Clock } from '../clock.ts';
import type { DeprecatedUses, FindDeprecated } from '../deprecation/deprecated-uses.ts';
import { rateLimitHeaders } from '../guard/budget/rate-limit-headers.ts';
import type { DocumentLimits } from '../guard/documents.ts';
import { shapeError } from '../guard/shape/refusal.ts';
import { excessOfVariables } from '../guard/shape/variables-guard.ts';
import type { Log } from '../observe/log.ts';
import type { OperationRecord } from '../observe/operation-record.ts';
import { type Deliverable, type EndReason, isDeliverable } from '../realtime/sink.ts';
import { AnswerInParts } from './answer-in-parts.ts';
import { beforeDeadline } from './before-deadline.ts';
import type { Charge, CostMode } from './charge.ts';
import type { Charging, PricedOperation } from './charging.ts';
import type { OperationContext } from './context.ts';
import { costModeFrom } from './cost-mode.ts';
import { isInParts, type PartsResult } from './parts.ts';
import { executedRecord } from './record-end.ts';
import type { RecordTraffic } from './record-traffic.ts';
import type { RequestFacts } from './request-facts.ts';
import { type OnceParts, runOnce } from './run-once.ts';
import {
  type Settlement,
  settle,
  settleAnswer,
  settleEvents,
  settleFailure,
  withPublicErrors,
} from './settle.ts';

/** What running an operation needs of the gateway. */
export interface RunParts extends OnceParts {
  readonly limits: DocumentLimits;
  readonly charging: Charging;
  /** Whether answers carry `X-RateLimit-*` as well. */
  readonly legacyHeaders: boolean;
  readonly recordTraffic: RecordTraffic | undefined;
  readonly findDeprecated: FindDeprecated;
  readonly clock: Clock;
  readonly log: Log;
}

/** One result, at once or in parts, or the events of a subscription. */
export type Result = ExecutionResult | AnswerInParts | AsyncIterable<ExecutionResult> | Deliverable;

/** What an execution gives. */
type Executed = Exclude<Result, AnswerInParts> | PartsResult;

/** One operation that may run. */
export interface Run {
  readonly validated: ValidatedExecutionArgs;
  /** Its price; what executes it counts in the tally. */
  readonly charge: Charge;
  /** Lets a subscription that is delivered go on: what it gives tells its end, once, and holds its record alone. */
  readonly detach: () => (reason: EndReason) => void;
}

/** Executes an operation, or opens its source. */
export type Start = (run: Run) => Executed | PromiseLike<Executed>;

/** The context that the pipeline has built, on the facts of the transport. */
type PipelineContext = OperationContext &
  Pick<RequestFacts, 'record' | 'costHeader' | 'idempotencyHeader' | 'setHeader'>;

/**
 * Prices an operation, runs it when its caller's budgets have what it may cost, and charges what it used. To the end in
 * every case: the operation is ended with its answer, or with the last of its events.
 */
export async function runOperation(start: Start, args: ExecutionArgs, parts: RunParts): Promise<Result> {
  const { clock, log, limits, charging } = parts;
  const context = args.contextValue as PipelineContext; // as: graphql-js knows nothing of contexts
  let charge: Charge | undefined;
  let deprecated: DeprecatedUses | undefined;
  const onEnd: Settlement['onEnd'] = (end) => {
    charge?.settle();
    if (charge) parts.recordTraffic?.(args, context, charge);
    context.end();
    const ended = { ...end, price: charge?.recorded(), deprecated };
    context.record(executedRecord(context, [args.document, args.operationName], ended, clock.nowMs()));
  };
  const settlement = { context, log, maxErrors: limits.maxErrors, onEnd };
  const priced = (answer: ExecutionResult) => withCost(answer, charge, context, parts);
  try {
    const mode = costModeFrom(context.costHeader);
    const validated = validatedArgs(args, limits);
    deprecated = deprecatedUses(args, validated, context, parts);
    const operation = pricedOperation(args, mode, validated);
    if ('errors' in operation) return settle(operation, settlement);
    const begun = await charging.begin(operation, context);
    charge = begun;
    Object.assign(context, { rateLimit: () => begun.rateLimit(clock.wallMs()) });
    const refusal = begun.refusal();
    if (refusal) return priced(settleFailure(refusal, settlement));
    if (mode === 'validate' || !('schema' in validated)) return priced(settle({ data: null }, settlement));
    const run = {
      validated,
      charge: begun,
      detach: () => detached(args, context, { charge: begun, deprecated }, parts),
    };
    const execute = () => beforeDeadline(start(run), context.signal, clock);
    if (operation.isMutation) return await runMutation(execute, { run, context, settlement }, parts);
    const result = await execute();
    if (isInParts(result)) {
      setRateLimit(begun, context, parts);
      const onUnfinished = () => begun.settleEstimated();
      const extensions = () => withPrice({}, begun).extensions;
      return new AnswerInParts(result, { ...settlement, clock, onUnfinished, extensions });
    }
    // Its events have contexts of their own; it is ended when its last one has come.
    if (isDeliverable(result)) {
      context.end();
      // Of a stream that lasts each header is kept for as long: only for who asked.
      if (begun.reported()) setRateLimit(begun, context, parts);
      return result;
    }
    return isAsyncIterable(result) ? settleEvents(result, settlement) : priced(settle(result, settlement));
  } catch (thrown) {
    return priced(settleFailure(thrown, settlement));
  }
}

/**
 * The end of a subscription that is delivered, which idle connections hold for hours: made of what is known when it has
 * been admitted, so that of its context and its price nothing is kept.
 */
function detached(
  args: ExecutionArgs,
  context: PipelineContext,
  { charge, deprecated }: { readonly charge: Charge; readonly deprecated: DeprecatedUses | undefined },
  { clock, recordTraffic }: RunParts,
): ReturnType<Run['detach']> {
  recordTraffic?.(args, context, charge);
  const ended = { codes: [], hasData: true, price: charge.recorded(), deprecated };
  const record = executedRecord(context, [args.document, args.operationName], ended, clock.nowMs());
  const { calls, batches } = context.timeline;
  const timeline = calls.length + batches.length > 0 ? record.timeline : undefined;
  return recordAtEnd({ ...record, timeline }, context.record, context.startMs, clock);
}

/** Apart from {@link detached}, whose closures would hold all that it was given. */
function recordAtEnd(
  record: OperationRecord,
  tell: PipelineContext['record'],
  startMs: number,
  clock: Clock,
): ReturnType<Run['detach']> {
  return () => tell({ ...record, durationMs: clock.nowMs() - startMs });
}

/** What {@link runMutation} ends. */
interface MutationRun {
  readonly run: Run;
  readonly context: PipelineContext;
  readonly settlement: Settlement;
}

/** A mutation, once for each idempotency key; the answer of a key is the same for ever, its price included. */
async function runMutation(
  execute: () => Promise<Executed>,
  { run, context, settlement }: MutationRun,
  parts: RunParts,
): Promise<ExecutionResult> {
  const { charge, validated } = run;
  const answerFrom = (result: ExecutionResult) => {
    charge.settle();
    return withPrice(withPublicErrors(result, settlement), charge);
  };
  // as: a mutation has one result
  const work = { validated, context, charge, answerFrom, execute: execute as () => Promise<ExecutionResult> };
  const { result, isAnswer } = await runOnce(work, parts);
  if (!isAnswer) return withCost(settle(result, settlement), charge, context, parts);
  const answer = settleAnswer(result, settlement);
  setRateLimit(charge, context, parts);
  return answer;
}

type Validated = ReturnType<typeof validateExecutionArgs>;

/** The checked arguments of an operation; throws the coded refusal of variables that are too many or too large. */
export function validatedArgs(args: ExecutionArgs, limits: DocumentLimits): Validated {
  const excess = excessOfVariables(args.variableValues, limits);
  if (excess) throw shapeError(excess, limits[excess]);
  return validateExecutionArgs(args);
}

/** What the operation uses that is deprecated, told in the headers of its answer. */
function deprecatedUses(
  { document, variableValues }: ExecutionArgs,
  validated: Validated,
  { setHeader }: PipelineContext,
  { findDeprecated }: RunParts,
): DeprecatedUses | undefined {
  if (!('schema' in validated)) return undefined;
  const { schema, operation } = validated;
  const found = findDeprecated({ schema, document, operation, variables: variableValues });
  for (const name in found?.headers) setHeader(name, found.headers[name] ?? '');
  return found;
}

/** The operation as it is priced, or what is wrong with its variables; who only asks for a price may leave them out. */
function pricedOperation(
  { document, operationName, variableValues }: ExecutionArgs,
  mode: CostMode | undefined,
  validated: Validated,
): PricedOperation | { readonly errors: readonly GraphQLError[] } {
  if ('schema' in validated) {
    const kind = kindOf(validated.operation);
    return { document, operationName, ...kind, mode, variables: validated.variableValues.coerced };
  }
  const operation = getOperationAST(document, operationName);
  const isPricedBlind = mode === 'validate' && operation && Object.keys(variableValues ?? {}).length === 0;
  if (!isPricedBlind) return { errors: validated };
  return { document, operationName, ...kindOf(operation), mode, variables: null };
}

function kindOf({ operation }: OperationDefinitionNode) {
  return {
    isMutation: operation === OperationTypeNode.MUTATION,
    isSubscription: operation === OperationTypeNode.SUBSCRIPTION,
  };
}

/** The answer with what its caller may know of its price, in the body and in headers. */
function withCost(
  answer: ExecutionResult,
  charge: Charge | undefined,
  context: PipelineContext,
  parts: RunParts,
): ExecutionResult {
  if (!charge) return answer;
  setRateLimit(charge, context, parts);
  return withPrice(answer, charge);
}

function setRateLimit(
  charge: Charge,
  { setHeader }: PipelineContext,
  { legacyHeaders, clock }: RunParts,
): void {
  const headers = rateLimitHeaders({
    state: charge.state(),
    retryAfterMs: charge.retryAfterMs(),
    legacyAtWallMs: legacyHeaders ? clock.wallMs() : undefined,
  });
  for (const name in headers) setHeader(name, headers[name] ?? '');
}

function withPrice(answer: ExecutionResult, charge: Charge): ExecutionResult {
  const cost = charge.extension();
  return cost ? { ...answer, extensions: { ...answer.extensions, cost } } : answer;
}
