import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, errorTable } from '../errors.ts';
import type { Accepted } from './accept.ts';
import type { NoRoom } from './connections.ts';
import { encodingFor } from './encoding-for.ts';
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
  const isStream = isEventSource && reason !== 'principal';
  const { status, headers, body } = isStream ? endedStream(retryAfterMs) : refusal(reason, retryAfterMs);
  if (response.destroyed) return;
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    // So that a balancer of connections may choose another instance the next time.
    connection: 'close',
  });
  response.end(body);
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function endedStream(retryMs: number): Answer {
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
  };
  return { status: 200, headers, body: `retry: ${retryMs}\n\n` };
}

/** In plain JSON: a refusal in GraphQL's own media type is a result to Apollo Client, which its RetryLink does not look at. */
function refusal(reason: NoRoom, retryAfterMs: number): Answer {
  const [code, message] = roomFacts[reason];
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'retry-after': String(Math.ceil(retryAfterMs / 1000)),
  };
  const body = JSON.stringify({ errors: [{ message, extensions: { code, retryAfterMs } }] });
  return { status: errorTable[code].httpStatus, headers, body };
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
