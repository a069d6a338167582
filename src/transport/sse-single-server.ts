import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, errorTable, WeirError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { RequestFacts } from '../operation/pipeline.ts';
import type { NoRoom } from './connections.ts';
import { type Reservations, tokenHeaderOf } from './sse-reservation.ts';
import { SseSingleStream, type Taken } from './sse-single-stream.ts';
import { shownError } from './stream-operation.ts';
import { parseParameters } from './stream-parameters.ts';
import type { StreamParts } from './stream-parts.ts';
import type { StreamMessage, StreamReply, StreamRouter } from './stream-router.ts';
import { turnAway } from './turn-away.ts';

/** A request of the single connection mode, with what is known of it. */
export interface SingleRequest {
  readonly request: IncomingMessage;
  readonly facts: Pick<RequestFacts, 'requestId' | 'principal' | 'traceparent'>;
  /** Reads the body of a POST. */
  readonly readParameters: () => Promise<unknown>;
}

/** Answers a request of the single connection mode; rejects with the coded refusal. */
export type AnswerSingle = (single: SingleRequest, response: ServerResponse) => Promise<void>;

/** What the single connection mode needs beside what all streams share. */
export interface SingleParts {
  readonly reservations: Reservations;
  readonly router: StreamRouter;
}

/** GraphQL over SSE, single connection mode. */
const statuses = { reserved: 201, taken: 202, stopped: 200 } as const;
const idMaxLength = 128;

/** The single connection mode: PUT reserves a stream, GET opens it, POST begins an operation on it, DELETE ends one. */
export function createSseSingleServer(parts: StreamParts, single: SingleParts): AnswerSingle {
  const server = new SingleServer(parts, single);
  single.router.on((streamId, message) => server.take(streamId, message));
  return (request, response) => server.answer(request, response);
}

class SingleServer {
  readonly #parts: StreamParts;
  readonly #reservations: Reservations;
  readonly #router: StreamRouter;
  readonly #streams = new Map<string, SseSingleStream>();

  constructor(parts: StreamParts, { reservations, router }: SingleParts) {
    this.#parts = parts;
    this.#reservations = reservations;
    this.#router = router;
  }

  async answer(single: SingleRequest, response: ServerResponse): Promise<void> {
    if (this.#parts.connections.isDraining) return this.#turnAway('draining', single, response);
    switch (single.request.method) {
      case 'PUT':
        return this.#reserve(single.facts.principal, response);
      case 'GET':
        return this.#open(single, response);
      case 'POST':
        return this.#forward(single, response, await this.#operationFrom(single));
      case 'DELETE':
        return this.#forward(single, response, {
          kind: 'stop',
          operationId: operationIdOf(queryOf(single.request).get('operationId')),
        });
      default:
        throw new WeirError('METHOD_NOT_ALLOWED');
    }
  }

  #reserve(principal: Principal, response: ServerResponse): void {
    const token = this.#reservations.issue(principal);
    response.writeHead(statuses.reserved, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(token),
      'cache-control': 'no-store',
    });
    response.end(token);
  }

  async #open(single: SingleRequest, response: ServerResponse): Promise<void> {
    const { request, facts } = single;
    const { connections } = this.#parts;
    const { principal } = facts;
    const streamId = this.#streamOf(request, principal, 'toOpen');
    const reason = connections.admit() ?? (connections.claim(principal) ? undefined : 'principal');
    if (reason !== undefined) return this.#turnAway(reason, single, response);
    const isOurs = await this.#router.claim(streamId).catch((thrown: unknown) => {
      connections.release(principal);
      throw thrown;
    });
    if (isOurs && !response.destroyed) this.#keep(streamId, principal, response);
    else {
      connections.release(principal);
      if (!isOurs) throw new WeirError('ALREADY_EXISTS', { message: 'The event stream is open already.' });
      await this.#router.release(streamId);
    }
  }

  #turnAway(reason: NoRoom, { request }: SingleRequest, response: ServerResponse): void {
    const isEventSource = request.method === 'GET' && tokenHeaderOf(request) === undefined;
    turnAway({ response, transport: 'sse-single', isEventSource }, reason, this.#parts);
  }

  #keep(streamId: string, principal: Principal, response: ServerResponse): void {
    const onGone = () => {
      this.#streams.delete(streamId);
      // A router that fails forgets the stream by itself, some time after its instance stops saying that it has it.
      this.#router.release(streamId).catch(() => {});
    };
    this.#streams.set(streamId, new SseSingleStream(this.#parts, { response, principal }, onGone));
  }

  async #forward(
    { request, facts }: SingleRequest,
    response: ServerResponse,
    message: StreamMessage,
  ): Promise<void> {
    const streamId = this.#streamOf(request, facts.principal, 'opened');
    const reply = this.#streams.has(streamId)
      ? await this.take(streamId, message)
      : await this.#router.forward(streamId, message);
    if (reply === undefined) throw noStream();
    const body = reply.errors === undefined ? '' : JSON.stringify({ errors: reply.errors });
    response.writeHead(reply.status, {
      ...(body === '' ? {} : { 'content-type': 'application/graphql-response+json; charset=utf-8' }),
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  }

  /** Does what a message asks of a stream of this instance, wherever it arrived. */
  async take(streamId: string, message: StreamMessage): Promise<StreamReply> {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return refusal('NOT_FOUND', noStream().message);
    if (message.kind === 'operation') return this.#begin(stream, message);
    stream.stop(message.operationId, message.attempt);
    return { status: statuses.stopped };
  }

  #begin(stream: SseSingleStream, message: StreamMessage & { readonly kind: 'operation' }): StreamReply {
    const { principal } = stream.channel;
    const { operationId: id, attempt, expiresAtMs, issuedAtMs } = message;
    if (principal.expiresAtMs !== null && expiresAtMs !== null && expiresAtMs > principal.expiresAtMs)
      stream.channel.refresh({ ...principal, expiresAtMs, issuedAtMs });
    const taken = stream.begin(
      { id, attempt },
      {
        requestId: message.requestId,
        principal: stream.channel.principal,
        traceparent: message.traceparent,
        deadlineMs: this.#parts.clock.nowMs() + this.#parts.timeoutMs,
        method: 'POST',
        parameters: message.parameters,
      },
    );
    return replyFrom(taken);
  }

  async #operationFrom({ request, facts, readParameters }: SingleRequest): Promise<StreamMessage> {
    const parsed = parseParameters(await readParameters());
    if (!parsed.ok) throw new WeirError('BAD_REQUEST', { message: parsed.fault });
    const { operationId, ...extensions } = parsed.parameters.extensions ?? {};
    // Headers are of this request, and the operation may run at another instance.
    const cost = request.headers['graphql-cost'];
    if (cost !== undefined) extensions['cost'] = cost;
    return {
      kind: 'operation',
      operationId: operationIdOf(operationId),
      attempt: randomUUID(),
      parameters: { ...parsed.parameters, extensions },
      requestId: facts.requestId,
      traceparent: facts.traceparent,
      expiresAtMs: facts.principal.expiresAtMs,
      issuedAtMs: facts.principal.issuedAtMs,
    };
  }

  #streamOf(request: IncomingMessage, principal: Principal, use: 'toOpen' | 'opened'): string {
    const token = tokenHeaderOf(request) ?? queryOf(request).get('token') ?? '';
    const streamId = this.#reservations.streamOf(token, principal, use);
    if (streamId === undefined) throw noStream();
    return streamId;
  }
}

const takenFaults = {
  leaving: ['OVERLOADED', 'The event stream is about to end; come back with a new one.'],
  duplicate: ['ALREADY_EXISTS', 'An operation with this id runs already.'],
  tooMany: [
    'RATE_LIMITED',
    'The stream carries as many operations as it may; the option is realtime.maxOperationsPerConnection.',
  ],
} as const satisfies Readonly<Record<string, readonly [ErrorCode, string]>>;

function replyFrom(taken: Taken): StreamReply {
  if (taken === 'taken') return { status: statuses.taken };
  if (typeof taken === 'string') {
    const [code, message] = takenFaults[taken];
    return refusal(code, message);
  }
  const [first] = taken.errors;
  return { status: first?.extensions.http?.status ?? 400, errors: taken.errors.map(shownError) };
}

function refusal(code: ErrorCode, message: string): StreamReply {
  return { status: errorTable[code].httpStatus, errors: [{ message, extensions: { code } }] };
}

function noStream(): WeirError {
  return new WeirError('NOT_FOUND', {
    message: 'There is no such event stream, or not any more: reserve one by PUT.',
  });
}

function operationIdOf(id: unknown): string {
  if (typeof id === 'string' && id !== '' && id.length <= idMaxLength) return id;
  throw new WeirError('BAD_REQUEST', {
    message: `Expected the id of an operation, of 1 to ${idMaxLength} characters.`,
  });
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}
