import type { ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { Clock } from '../clock.ts';
import { type ErrorCode, WeirError } from '../errors.ts';
import type { InitialPart } from '../operation/parts.ts';
import type { Accepted } from './accept.ts';
import { answerInParts, type PartsAnswer } from './answer-in-parts.ts';
import type { AnswerSender } from './compression.ts';
import { keptAnswer, sendKept } from './kept-answer.ts';
import { runWhileOpen } from './run-while-open.ts';
import { type Prepared, refusedResult, type StreamOutcome } from './stream-operation.ts';

/** What answering one request in JSON needs of it. */
export interface JsonAnswerRequest {
  readonly prepared: Prepared;
  readonly accepted: Accepted;
  readonly response: ServerResponse;
  /** When the answer must be there, in {@link Clock.nowMs} milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly sender: AnswerSender;
  readonly unfinished: PartsAnswer['unfinished'];
}

/**
 * Runs a prepared query or mutation and sends its one answer (GraphQL over HTTP, section 6.4), or the parts of one where it
 * asks for them and its client takes them. Rejects only as {@link AnswerSender.send} does.
 */
export async function answerJson(request: JsonAnswerRequest): Promise<void> {
  const { accepted, prepared, response, sender } = request;
  const outcome = await outcomeOf(request);
  if (outcome.kind === 'result' && outcome.later) return sendParts(request, outcome, outcome.later);
  const answer = writtenFrom(outcome, prepared);
  if (response.destroyed || response.headersSent) return;
  const policy = prepared.kind === 'ready' ? prepared.cachePolicy() : undefined;
  const kept = policy && outcome.kind === 'result' && !answer.errors && keptAnswer(outcome.result, policy);
  if (kept) return sendKept(kept, { mediaType: mediaTypeFor(accepted), response, sender });
  const mediaType = answer.errors?.some(isOfGuard) ? graphqlType : mediaTypeFor(accepted);
  const { status, headers } = answer.errors ? refusalHead(answer.errors, mediaType) : answered;
  const contentType = `${mediaType}; charset=utf-8`;
  return sender.send(response, {
    status,
    headers: { ...headers, 'content-type': contentType },
    body: answer.body,
  });
}

type Later = PartsAnswer['later'];

async function sendParts(
  { accepted, prepared, ...request }: JsonAnswerRequest,
  { result }: StreamOutcome & { readonly kind: 'result' },
  later: Later,
): Promise<void> {
  const format = accepted.parts;
  if (prepared.kind !== 'ready' || !format) return later.leave();
  const initial = result as InitialPart; // as: what comes before later parts
  const refuse = (thrown: unknown) => refusedResult(prepared.refuse(thrown));
  await answerInParts({ ...request, format, initial, later, abort: prepared.abort, refuse });
}

const answered = { status: 200, headers: {} };

function outcomeOf({ prepared, response }: JsonAnswerRequest): StreamOutcome | Promise<StreamOutcome> {
  if (prepared.kind === 'refused') return prepared;
  if (prepared.isSubscription) return prepared.refuse(new WeirError('NOT_ACCEPTABLE', { message: noEvents }));
  return runWhileOpen(prepared, response);
}

/** An answer as text; `errors` are those of a request that gave no data. */
interface Written {
  readonly body: string;
  readonly errors?: readonly GraphQLError[];
}

/** A result that cannot be written, as a scalar may give, is a fault like any other. */
function writtenFrom(outcome: StreamOutcome, prepared: Prepared): Written {
  if (outcome.kind === 'refused')
    return { body: JSON.stringify(refusedResult(outcome)), errors: outcome.errors };
  try {
    return { body: JSON.stringify('result' in outcome ? outcome.result : {}) };
  } catch (cause) {
    if (prepared.kind !== 'ready') throw cause;
    return writtenFrom(prepared.refuse(new WeirError('INTERNAL_SERVER_ERROR', { cause })), prepared);
  }
}

const noEvents =
  'Expected a query or a mutation, got a subscription: one JSON answer cannot carry its events. Accept text/event-stream.';

const graphqlType = 'application/graphql-response+json';

type MediaType = typeof graphqlType | 'application/json';

/** What the guard refuses has one form for every client (GraphQL over HTTP, section 6.4: no data, no 2xx). */
const guardCodes: ReadonlySet<unknown> = new Set<ErrorCode>([
  'COST_LIMIT_EXCEEDED',
  'RATE_LIMITED',
  'OVERLOADED',
]);

function isOfGuard({ extensions }: GraphQLError): boolean {
  return guardCodes.has(extensions['code']);
}

/** The one that is wanted more; of two wanted alike, GraphQL's own, whose status says what came of the request. */
function mediaTypeFor({ graphqlJson, plainJson }: Accepted): MediaType {
  return graphqlJson > 0 && graphqlJson >= plainJson ? graphqlType : 'application/json';
}

/** Status and headers of a request that gave no data; `spec` errors are 200 to those who know plain JSON only. */
function refusalHead(errors: readonly GraphQLError[], mediaType: MediaType) {
  const headers: Record<string, string> = {};
  let status = 0;
  for (const { extensions } of errors) {
    const { http } = extensions;
    Object.assign(headers, http?.headers);
    const isSpared = mediaType === 'application/json' && http?.spec === true;
    if (!isSpared) status = Math.max(status, http?.status ?? 500);
  }
  return { status: status === 0 ? 200 : status, headers };
}
