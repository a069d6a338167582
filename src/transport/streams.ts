import type { Clock } from '../clock.ts';
import type { JsonLimits } from '../guard/shape/json-guard.ts';
import type { Identify } from '../identity/identify.ts';
import { createConnectionWheel } from './connection-wheel.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { drainConnections } from './drain.ts';
import { createReservations } from './sse-reservation.ts';
import { type AnswerSingle, createSseSingleServer } from './sse-single-server.ts';
import { type AnswerStream, createStreamAnswer } from './stream-answer.ts';
import { createStreamOperations, type StreamOperationParts } from './stream-operation.ts';
import type { StreamLimits, StreamParts, SubscriptionEnd } from './stream-parts.ts';
import { createMemoryStreamHub, type StreamRouter } from './stream-router.ts';
import { WriteTurn } from './write-turn.ts';
import { createWsServer, type Upgrade, type WsServerOptions } from './ws-server.ts';

/** The section `realtime` of the configuration, as far as transports are concerned. */
export interface StreamSettings
  extends StreamLimits,
    ConnectionLimits,
    Pick<WsServerOptions, 'allowedOrigins'> {
  /** Over how long a stopping gateway sends its connections away. */
  readonly drainWindowMs: number;
}

/** What the gateway gives to its streams. */
export interface StreamOptions extends StreamOperationParts {
  readonly identify: Identify;
  readonly settings: StreamSettings;
  readonly timeoutMs: number;
  /** Bounds of a message's JSON. */
  readonly json: JsonLimits;
  /** Of the graph, for upgrades. */
  readonly path: string;
  readonly sameOriginOnly: boolean;
  /** Sign the tokens of reserved streams: at least one, the same on all instances. */
  readonly secrets: readonly string[];
  /** Default: one for this instance alone. */
  readonly router?: StreamRouter;
  readonly random: () => number;
  readonly onSubscriptionEnd: (end: SubscriptionEnd) => void;
}

/** The transports of real time of one gateway. */
export interface Streams {
  readonly upgrade: Upgrade;
  readonly answer: AnswerStream;
  /** The single connection mode of event streams. */
  readonly answerSingle: AnswerSingle;
  /** Connections that are open: WebSockets and event streams together. */
  readonly openConnections: () => number;
  /** Refuses what is new, sends every connection away within the window, and resolves when none is left. Idempotent. */
  readonly drain: () => Promise<void>;
}

/** Makes the transports of real time; nothing runs until there are connections. */
export function createStreams(options: StreamOptions): Streams {
  const { clock, settings, random } = options;
  const connections = new Connections(settings);
  const parts = partsFrom(options, connections, clock);
  let drained: Promise<void> | undefined;
  return {
    upgrade: createWsServer(parts, {
      path: options.path,
      allowedOrigins: settings.allowedOrigins,
      sameOriginOnly: options.sameOriginOnly,
    }),
    answer: createStreamAnswer(parts),
    answerSingle: createSseSingleServer(parts, {
      reservations: createReservations(options.secrets, clock),
      router: options.router ?? createMemoryStreamHub().join(),
    }),
    openConnections: () => connections.open.size,
    drain: () => {
      drained ??= drainConnections(connections, { windowMs: settings.drainWindowMs, clock, random });
      return drained;
    },
  };
}

function partsFrom(options: StreamOptions, connections: Connections, clock: Clock): StreamParts {
  return {
    prepare: createStreamOperations(options),
    identify: options.identify,
    clock,
    wheel: createConnectionWheel(clock),
    connections,
    writes: new WriteTurn(),
    limits: options.settings,
    random: options.random,
    timeoutMs: options.timeoutMs,
    json: options.json,
    onSubscriptionEnd: options.onSubscriptionEnd,
  };
}
