import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import { type ErrorCode, errorTable } from '../errors.ts';
import type { Accepted } from './accept.ts';
import type { NoRoom } from './connections.ts';
import { encodingFor } from './encoding-for.ts';
import { sendRefusal } from './refusal.ts';
import { retryDelayMs } from './retry-delay.ts';
import { tokenHeaderOf } from './sse-reservation.ts';
import type { StreamParts, StreamTransport } from './stream-parts.ts';

/** A client for whose stream there is no room. */
export interface TurnedAway {
  readonly response: ServerResponse;
  readonly transport: StreamTransport;
  /**
   * Whether it is `EventSource`, of a browser or a package: which can only GET, takes nothing but an event stream, and sets no
   * header.
   */
  readonly isEventSource: boolean;
}

/** What a client reads when there is no room for its stream. */
const roomFacts = {
  draining: ['OVERLOADED', 'This server is about to stop; connect to another one.'],
  connections: [
    'OVERLOADED',
    'There is no room for another connection; the option is realtime.maxConnections.',
  ],
  rate: [
    'OVERLOADED',
    'Too many connections begin at this moment; the option is realtime.maxConnectsPerSecond.',
  ],
  principal: [
    'RATE_LIMITED',
    'You have as many connections as you may; the option is realtime.maxConnectionsPerPrincipal.',
  ],
} as const satisfies Readonly<Record<NoRoom, readonly [ErrorCode, string]>>;

/**
 * Sends a client away so that it comes back by itself, after a time by chance. To graphql-sse every status but 2xx is a reason
 * to try again; to `EventSource` every one but 200 is the end for good (HTML, section 9.2.3), and an event stream that
 * ends is none. What is a principal's own fault is told as such to both.
 */
export function turnAway(
  { response, transport, isEventSource }: TurnedAway,
  reason: NoRoom,
  { random, onConnectRefused }: Pick<StreamParts, 'random' | 'onConnectRefused'>,
): void {
  onConnectRefused({ transport, reason });
  const retryAfterMs = retryDelayMs(random);
  if (isEventSource && reason !== 'principal') {
    sendRetry(response, retryAfterMs);
    return;
  }
  const [code, message] = roomFacts[reason];
  const { httpStatus: status } = errorTable[code];
  const http = { status, headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } };
  sendRefusal(response, new GraphQLError(message, { extensions: { code, retryAfterMs, http } }));
}

/**
 * Answers a request, and returns true, when it is certain to ask for a stream for which there is no room. That is known from its head
 * alone, so that a herd costs no identity, no body and no document. False for all else, which {@link turnAway} is for.
 */
export type TurnAwayAtDoor = (asked: AtDoor) => boolean;

/** A request with its answer, of which no more is known than its head. */
export interface AtDoor {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly accepted: Accepted;
  /** Whether it is of the single connection mode. */
  readonly isSingle: boolean;
}

/** The door of one variant. */
export function createDoor(parts: StreamParts): TurnAwayAtDoor {
  return ({ request, response, accepted, isSingle }) => {
    const { method = '' } = request;
    // Who reserves a stream opens it next.
    const isCertain = isSingle ? method === 'GET' || method === 'PUT' : accepted.json === 0;
    const reason = isCertain ? parts.connections.fault() : undefined;
    if (reason === undefined) return false;
    const { transport } = isSingle ? { transport: 'sse-single' as const } : encodingFor(accepted);
    const isEventSource = method === 'GET' && !(isSingle && tokenHeaderOf(request) !== undefined);
    turnAway({ response, transport, isEventSource }, reason, parts);
    return true;
  };
}

/** Closes the connection, so that a balancer of connections may choose another instance the next time. */
function sendRetry(response: ServerResponse, retryMs: number): void {
  if (response.destroyed) return;
  const body = `retry: ${retryMs}\n\n`;
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store, no-transform',
    connection: 'close',
  });
  response.end(body);
}
