import type { ServerResponse } from 'node:http';
import { WeirError } from '../errors.ts';
import type { DocumentNaming } from '../guard/documents/gate.ts';
import type { RequestFacts } from '../operation/request-facts.ts';
import type { Accepted } from './accept.ts';
import { encodingFor } from './encoding-for.ts';
import { answerJson } from './json-answer.ts';
import { runWhileOpen } from './run-while-open.ts';
import { jsonFrom, type Prepared, refusedResult } from './stream-operation.ts';
import { parseParameters, type StreamParameters } from './stream-parameters.ts';
import type { StreamParts } from './stream-parts.ts';
import { StreamResponse } from './stream-response.ts';
import { turnAway } from './turn-away.ts';

/** A request that a stream may answer, with its parameters as they came. */
export interface StreamAnswerRequest {
  readonly method: 'GET' | 'POST';
  readonly origin: DocumentNaming['origin'];
  readonly facts: Pick<
    RequestFacts,
    | 'requestId'
    | 'principal'
    | 'traceparent'
    | 'deadlineMs'
    | 'record'
    | 'costHeader'
    | 'idempotencyHeader'
    | 'setHeader'
  >;
  readonly parameters: unknown;
  readonly accepted: Accepted;
  /** Position after which events shall go on: see {@link lastEventIdFrom}. */
  readonly lastEventId: string | undefined;
}

/**
 * Answers a request: by one JSON answer, or by a stream where its client wants that and the operation is a subscription,
 * or nothing but a stream is accepted; one that finds no room is sent away. Throws the coded refusal of a request that is no
 * operation.
 */
export type AnswerStream = (request: StreamAnswerRequest, response: ServerResponse) => Promise<void>;

/** Longest cursor that a client may come back with, in characters. */
const cursorMaxLength = 2048;

/** The answers of distinct event streams and of multipart subscriptions. */
export function createStreamAnswer(parts: StreamParts): AnswerStream {
  return async (request, response) => {
    const { clock, sender, unfinished } = parts;
    const shared = { clock, sender, unfinished, deadlineMs: request.facts.deadlineMs };
    const { facts, accepted } = request;
    const { method, origin } = request;
    const takesParts = accepted.parts !== undefined;
    const parameters = parametersOf(request);
    const prepared = parts.prepare({ ...facts, method, origin, parameters, takesParts });
    const isForStream = prepared.kind === 'ready' && prepared.isSubscription && takesStream(accepted);
    if (accepted.json === 0 || isForStream) return openStream(parts, request, { prepared, response });
    return answerJson({ prepared, accepted, response, ...shared });
  };
}

function takesStream({ eventStream, multipart }: Accepted): boolean {
  return eventStream > 0 || multipart > 0;
}

interface Opening {
  readonly prepared: Prepared;
  readonly response: ServerResponse;
}

/** A refusal of the operation itself, as of one without rights, comes before the stream where JSON can carry it. */
async function openStream(
  parts: StreamParts,
  { facts, accepted, method }: StreamAnswerRequest,
  { prepared, response }: Opening,
): Promise<void> {
  const { connections } = parts;
  const encoding = encodingFor(accepted);
  const reason = connections.admit() ?? (connections.claim(facts.principal) ? undefined : 'principal');
  if (reason !== undefined) {
    const isEventSource = method === 'GET' && accepted.json === 0;
    return turnAway({ response, transport: encoding.transport, isEventSource }, reason, parts);
  }
  const outcome = prepared.kind === 'ready' ? await runWhileOpen(prepared, response) : prepared;
  if ((outcome.kind === 'refused' && accepted.json > 0) || response.destroyed) {
    connections.release(facts.principal);
    if (outcome.kind === 'events') outcome.events.attach(nobody).stop('client');
    if (outcome.kind !== 'refused') return;
    return answerJson({
      prepared: outcome,
      accepted,
      response,
      deadlineMs: facts.deadlineMs,
      clock: parts.clock,
      sender: parts.sender,
      unfinished: parts.unfinished,
    });
  }
  const stream = new StreamResponse(parts, { response, principal: facts.principal, encoding });
  if (outcome.kind === 'events') stream.attach(outcome.events);
  else stream.finish(jsonFrom(outcome.kind === 'result' ? outcome.result : refusedResult(outcome)));
}

/** Nobody is there any more to take what was admitted. */
const nobody = {
  live: () => {},
  next: () => {},
  gap: () => {},
  end: () => {},
  bufferedBytes: () => 0,
  onDrain: () => {},
};

function parametersOf({ parameters, lastEventId }: StreamAnswerRequest): StreamParameters {
  const parsed = parseParameters(parameters);
  if (!parsed.ok) throw new WeirError('BAD_REQUEST', { message: parsed.fault });
  if (lastEventId === undefined) return parsed.parameters;
  const { extensions } = parsed.parameters;
  return { ...parsed.parameters, extensions: { resume: lastEventId, ...extensions } };
}

/**
 * The cursor that a client comes back with: the header `Last-Event-ID` of EventSource (HTML, section 9.2.4), or else the
 * parameter `lastEventId`, since a first connection cannot have the header. Undefined for one that is too long to be ours.
 */
export function lastEventIdFrom(header: string | string[] | undefined, url: string): string | undefined {
  const start = url.indexOf('?');
  const given = header ?? (start < 0 ? null : new URLSearchParams(url.slice(start + 1)).get('lastEventId'));
  if (typeof given !== 'string' || given === '' || given.length > cursorMaxLength) return undefined;
  return given;
}
