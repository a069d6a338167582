import type { ExecutionResult, ValidatedExecutionArgs } from 'graphql';
import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import {
  type Claim,
  type ClaimRequest,
  type Holder,
  type IdempotencyStore,
  keyTimes,
} from '../idempotency/store.ts';
import { storedAnswerFrom } from '../idempotency/stored-answer.ts';
import type { Log } from '../observe/log.ts';
import type { RandomHex } from '../observe/trace.ts';
import { unlessAborted } from '../signal.ts';
import type { Charge } from './charge.ts';
import type { OperationContext } from './context.ts';
import { type KeyedMutation, keyedMutationFrom } from './keyed-mutation.ts';
import { mutationOutcome } from './mutation-outcome.ts';
import { answerText, replay } from './replay.ts';
import type { RequestFacts } from './request-facts.ts';

/** What running mutations once needs of the gateway. */
export interface OnceParts {
  readonly idempotency: IdempotencyStore;
  readonly randomHex: RandomHex;
  readonly clock: Clock;
  readonly log: Log;
}

/** A mutation that may run. */
export interface OnceWork {
  readonly validated: ValidatedExecutionArgs;
  readonly context: OperationContext & Pick<RequestFacts, 'idempotencyHeader' | 'setHeader'>;
  readonly charge: Charge;
  readonly execute: () => Promise<ExecutionResult>;
  /** The result as its client will see it, its price included; the operation is charged by then. */
  readonly answerFrom: (result: ExecutionResult) => ExecutionResult;
}

/** A result, and whether it is the answer to the last character. */
export interface OnceResult {
  readonly result: ExecutionResult;
  readonly isAnswer: boolean;
}

/** Headers of answers. */
const headers = {
  /** `true` when this is the answer of an earlier operation (IETF draft Idempotency-Key, section 2.6; Stripe's name). */
  replayed: 'Idempotent-Replayed',
  /** `none` when a key was given and the store is away. */
  protection: 'Idempotency-Protection',
} as const;

/** A client that finds its operation under way comes back after at most so long, in milliseconds. */
const maxRetryAfterMs = 1000;

/**
 * Runs a mutation that has a key at most once at a time, keeps its answer, and gives it to whoever asks the same under
 * the same key again. Rejects with what refuses it; see {@link KeyedMutation} and {@link IdempotencyStore}. Without the
 * store, what requires a key is refused, and the rest runs unprotected and says so.
 */
export async function runOnce(work: OnceWork, parts: OnceParts): Promise<OnceResult> {
  const mutation = keyedOrRefused(work);
  if (!mutation) return { result: await work.execute(), isAnswer: false };
  const { id, fingerprint, isRepeatable } = mutation;
  const request = { id, fingerprint, token: parts.randomHex(16), isRepeatable };
  const { signal } = work.context;
  const claiming = parts.idempotency.claim(request);
  let claim: Claim;
  try {
    claim = await unlessAborted(claiming, signal);
  } catch (thrown) {
    if (signal.aborted) void giveBack(claiming, request, work.context, parts);
    if (signal.aborted || mutation.isRequired) throw refused(work, thrown);
    return { result: await runUnprotected(mutation, work, parts, thrown), isAnswer: false };
  }
  if (claim.kind !== 'claimed') return replayed(claim, work);
  const { attempt } = claim;
  return runClaimed({ id, fingerprint, token: request.token, attempt }, mutation, work, parts);
}

function keyedOrRefused(work: OnceWork): KeyedMutation | undefined {
  try {
    return keyedMutationFrom(work.validated, work.context);
  } catch (thrown) {
    throw refused(work, thrown);
  }
}

/** A claim for which nobody waits any more. */
async function giveBack(
  claiming: Promise<Claim>,
  request: ClaimRequest,
  context: OperationContext,
  parts: OnceParts,
): Promise<void> {
  // Where there is no claim there is nothing to give back.
  const claim = await claiming.catch(() => undefined);
  if (claim?.kind === 'claimed')
    await letGo('release', { ...request, attempt: claim.attempt }, context, parts);
}

/** What did not run costs no more than to ask. */
function refused({ charge }: OnceWork, refusal: unknown): unknown {
  charge.settleUnrun();
  return refusal;
}

function replayed(claim: Exclude<Claim, { readonly kind: 'claimed' }>, work: OnceWork): OnceResult {
  work.charge.settleUnrun();
  switch (claim.kind) {
    case 'done': {
      const result = replay(claim.answer);
      work.context.setHeader(headers.replayed, 'true');
      return { result, isAnswer: true };
    }
    case 'running':
      throw concurrent(claim.leaseLeftMs);
    case 'mismatch':
      throw new WeirError('IDEMPOTENCY_KEY_PARAMETER_MISMATCH');
    case 'unknown':
      throw new WeirError('OUTCOME_UNKNOWN');
  }
}

function concurrent(leaseLeftMs: number): WeirError {
  const retryAfterMs = Math.max(1, Math.min(maxRetryAfterMs, Math.ceil(leaseLeftMs)));
  return new WeirError('IDEMPOTENCY_CONCURRENT_REQUEST', { extensions: { retryAfterMs } });
}

function runUnprotected(
  mutation: KeyedMutation,
  { context, execute }: OnceWork,
  { log }: OnceParts,
  err: unknown,
): Promise<ExecutionResult> {
  log.warn({ requestId: context.requestId, err }, 'a mutation runs without protection against repetition');
  context.setHeader(headers.protection, 'none');
  label(context, mutation, 1);
  return execute();
}

async function runClaimed(
  holder: Holder,
  mutation: KeyedMutation,
  work: OnceWork,
  parts: OnceParts,
): Promise<OnceResult> {
  const { context, execute } = work;
  label(context, mutation, holder.attempt);
  const endHeartbeat = beat(holder, context, parts);
  let result: ExecutionResult;
  try {
    result = await execute();
  } catch (thrown) {
    await unlessLate(letGo('abandon', holder, context, parts), context);
    throw thrown;
  } finally {
    endHeartbeat();
  }
  const hasSucceededCall = context.timeline.calls.some(({ code }) => code === 'OK');
  const outcome = mutationOutcome(result, { ...mutation, hasSucceededCall });
  if (outcome === 'done') return keep(holder, mutation, result, { work, parts });
  await unlessLate(letGo(outcome === 'notDone' ? 'release' : 'abandon', holder, context, parts), context);
  return { result, isAnswer: false };
}

/** No answer to what requires a key is given that is not kept: a later one might differ. */
async function keep(
  holder: Holder,
  { isRequired }: KeyedMutation,
  result: ExecutionResult,
  { work, parts }: { readonly work: OnceWork; readonly parts: OnceParts },
): Promise<OnceResult> {
  const answer = work.answerFrom(result);
  const { context } = work;
  try {
    const completing = parts.idempotency.complete(holder, storedAnswerFrom(answerText(answer)));
    // What came of a deadline is told behind it; otherwise the store holds nobody beyond it.
    const { signal } = context;
    const completion = await (signal.aborted ? completing : unlessAborted(completing, signal));
    if (completion.kind === 'kept') return { result: answer, isAnswer: true };
    if (!completion.answer) throw concurrent(maxRetryAfterMs);
    return replayed({ kind: 'done', answer: completion.answer }, work);
  } catch (thrown) {
    if (isUnavailable(thrown) && isRequired) void letGo('abandon', holder, context, parts);
    if (isRequired || !isUnavailable(thrown)) throw thrown;
    parts.log.warn({ requestId: context.requestId, err: thrown }, 'an answer was not kept for repetitions');
    context.setHeader(headers.protection, 'none');
    return { result: answer, isAnswer: true };
  }
}

function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof WeirError && thrown.code === 'UPSTREAM_UNAVAILABLE';
}

/** Who asks again should find the key as it is by then, but nobody is held beyond a deadline for that. */
async function unlessLate(work: Promise<void>, { signal }: OperationContext): Promise<void> {
  if (!signal.aborted) await unlessAborted(work, signal).catch(() => {}); // its reason is told elsewhere
}

/** A claim that cannot be given back lapses by itself. */
async function letGo(
  move: 'release' | 'abandon',
  holder: Holder,
  { requestId }: OperationContext,
  { idempotency, log }: OnceParts,
): Promise<void> {
  try {
    await idempotency[move](holder);
  } catch (err) {
    log.warn({ requestId, err }, 'a claim of an idempotency key was left to lapse');
  }
}

/** What is behind the graph is told the key, and so is the resolver. */
function label(context: OperationContext, { key, fingerprint }: KeyedMutation, attempt: number): void {
  Object.assign(context, { idempotencyKey: key });
  const metadata = {
    'x-weir-idempotency-key': key,
    'x-weir-idempotency-attempt': String(attempt),
    'x-weir-idempotency-fingerprint': fingerprint,
  };
  for (const name in context.upstreams) context.upstreams[name]?.label(metadata);
}

/** Prolongs the lease until it is ended. Who has lost the claim makes no further call: another does the work. */
function beat(holder: Holder, context: OperationContext, { idempotency, clock, log }: OnceParts): () => void {
  let isEnded = false;
  let cancel = () => {};
  const schedule = () => {
    cancel = clock.after(keyTimes.leaseMs / 3, () => {
      idempotency.extend(holder).then(onExtended, onFailed);
    });
  };
  const onExtended = (isHeld: boolean) => {
    if (isEnded) return;
    if (isHeld) schedule();
    else for (const name in context.upstreams) context.upstreams[name]?.refuse(concurrent(maxRetryAfterMs));
  };
  const onFailed = (err: unknown) => {
    log.warn({ requestId: context.requestId, err }, 'the lease of an idempotency key was not prolonged');
    if (!isEnded) schedule();
  };
  schedule();
  return () => {
    isEnded = true;
    cancel();
  };
}
