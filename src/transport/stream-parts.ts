import type { Clock } from '../clock.ts';
import type { JsonLimits } from '../guard/shape/json-guard.ts';
import type { Identify } from '../identity/identify.ts';
import type { Principal } from '../identity/principal.ts';
import type { EndReason } from '../realtime/sink.ts';
import type { AnswerSender } from './compression.ts';
import type { ConnectionWheel } from './connection-wheel.ts';
import type { Connections, NoRoom } from './connections.ts';
import type { UnfinishedAnswer } from './finish-answers.ts';
import type { PeerWatch } from './peer-watch.ts';
import type { PrepareOperation } from './stream-operation.ts';
import type { WriteTurn } from './write-turn.ts';

/** Bounds of real time: the section `realtime` of the configuration. */
export interface StreamLimits {
  readonly heartbeatMs: number;
  readonly pongTimeoutMs: number;
  readonly initTimeoutMs: number;
  readonly maxOperationsPerConnection: number;
  readonly maxMessagesPerSecond: number;
  readonly maxPingsPerSecond: number;
  readonly frameMaxBytesBeforeAuth: number;
  readonly frameMaxBytes: number;
  readonly bufferMaxBytes: number;
  readonly connectionMaxAgeMs: number;
}

/** How a subscription was carried. */
export type StreamTransport = 'ws' | 'sse' | 'sse-single' | 'multipart';

/** The end of a subscription, for its metric. */
export interface SubscriptionEnd {
  readonly reason: EndReason;
  readonly transport: StreamTransport;
}

/** A connection that was not taken, for its metric. */
export interface ConnectRefusal {
  readonly transport: StreamTransport;
  readonly reason: NoRoom;
}

/** What all transports of streams share. */
export interface StreamParts {
  readonly prepare: PrepareOperation;
  readonly identify: Identify;
  /** Whether the token of a principal was revoked since. */
  readonly isRevoked: (principal: Principal) => boolean;
  readonly clock: Clock;
  readonly wheel: ConnectionWheel;
  readonly connections: Connections;
  readonly writes: WriteTurn;
  /** Answers in parts that go on, for the end of this process. */
  readonly unfinished: Set<UnfinishedAnswer>;
  readonly peers: PeerWatch;
  /** Of answers that are no streams. */
  readonly sender: AnswerSender;
  readonly limits: StreamLimits;
  /** From 0 to below 1, as `Math.random` gives. */
  readonly random: () => number;
  /** Longest that an operation may take until its answer, or until its first event can come. */
  readonly timeoutMs: number;
  /** Bounds of a message's JSON. */
  readonly json: JsonLimits;
  /** Told once of each subscription that began. */
  readonly onSubscriptionEnd: (end: SubscriptionEnd) => void;
  /** Told of each connection for which there was no room. */
  readonly onConnectRefused: (refusal: ConnectRefusal) => void;
}
