import type { JsonLimits } from '../guard/shape/json-guard.ts';
import type { Identify } from '../identity/identify.ts';
import type { Revocations } from '../identity/revocations.ts';
import type { AnswerSender } from './compression.ts';
import { createConnectionWheel } from './connection-wheel.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { drainConnections } from './drain.ts';
import { createRevokedEnder } from './end-revoked.ts';
import { finishAnswers, type UnfinishedAnswer } from './finish-answers.ts';
import type { OriginRules } from './origins.ts';
import { PeerWatch } from './peer-watch.ts';
import { createReservations } from './sse-reservation.ts';
import { type AnswerSingle, createSseSingleServer } from './sse-single-server.ts';
import { type AnswerStream, createStreamAnswer } from './stream-answer.ts';
import { createStreamOperations, type StreamOperationParts } from './stream-operation.ts';
import type { ConnectRefusal, StreamLimits, StreamParts, SubscriptionEnd } from './stream-parts.ts';
import { createMemoryStreamHub, type StreamRouter } from './stream-router.ts';
import { type ReadTcpTable, readTcpTable } from './tcp-table.ts';
import { createDoor, type TurnAwayAtDoor } from './turn-away.ts';
import { shareStreamRouter } from './variant-stream-router.ts';
import { WriteTurn } from './write-turn.ts';
import { createWsServer, type Upgrade } from './ws-server.ts';

/** The section `realtime` of the configuration, as far as transports are concerned. */
export interface StreamSettings extends StreamLimits, ConnectionLimits {
  /** Over how long a stopping gateway sends its connections away. */
  readonly drainWindowMs: number;
}

/** What the gateway gives to its streams. */
export interface StreamOptions extends Omit<StreamOperationParts, VariantOperationPart> {
  readonly identify: Identify;
  /** Default: no token is ever revoked. */
  readonly revocations?: Pick<Revocations, 'refuses' | 'onChange'>;
  readonly settings: StreamSettings;
  readonly origins: OriginRules;
  readonly sender: AnswerSender;
  /** Sign the tokens of reserved streams: at least one, the same on all instances. */
  readonly secrets: readonly string[];
  /** Default: one for this instance alone. */
  readonly router?: StreamRouter;
  readonly random: () => number;
  /** Default: that of the kernel. */
  readonly readTcpTable?: ReadTcpTable;
  readonly onSubscriptionEnd: (end: SubscriptionEnd) => void;
  readonly onConnectRefused: (refusal: ConnectRefusal) => void;
}

type VariantOperationPart = 'getEnveloped' | 'variant' | 'cachePolicyOf';

/** A variant whose operations streams carry. */
export interface StreamVariant extends Pick<StreamOperationParts, VariantOperationPart> {
  readonly timeoutMs: number;
  /** Bounds of a message's JSON. */
  readonly json: JsonLimits;
}

/** The transports of real time of one variant. */
export interface VariantStreams {
  readonly upgrade: Upgrade;
  /** Sends clients away before anything is known of them: see {@link TurnAwayAtDoor}. */
  readonly turnAwayAtDoor: TurnAwayAtDoor;
  readonly answer: AnswerStream;
  /** The single connection mode of event streams. */
  readonly answerSingle: AnswerSingle;
}

/** The transports of real time of one gateway: what all variants share is counted, bounded and drained together. */
export interface Streams {
  /** Called once for each variant. */
  readonly serve: (variant: StreamVariant) => VariantStreams;
  /** Connections that are open: WebSockets and event streams together. */
  readonly openConnections: () => number;
  /** Refuses what is new, sends every connection away within the window, and resolves when none is left. Idempotent. */
  readonly drain: () => Promise<void>;
  /** Finishes the answers in parts that go on, for good or ill; resolves when they are sent, or after a quarter of a second. */
  readonly finish: () => Promise<void>;
}

/** Makes the transports of real time; nothing runs until there are connections. */
export function createStreams(options: StreamOptions): Streams {
  const { clock, settings, random } = options;
  const connections = new Connections(settings, clock);
  const shared = {
    connections,
    wheel: createConnectionWheel(clock),
    writes: new WriteTurn(),
    unfinished: new Set<UnfinishedAnswer>(),
    peers: new PeerWatch({
      clock,
      connections,
      timeoutMs: settings.pongTimeoutMs,
      readTable: options.readTcpTable ?? readTcpTable,
    }),
  };
  const routerOf = shareStreamRouter(options.router ?? createMemoryStreamHub().join());
  options.revocations?.onChange(createRevokedEnder(connections));
  let drained: Promise<void> | undefined;
  return {
    serve: (variant) => {
      const parts = { ...shared, ...partsFrom(options, variant) };
      return {
        upgrade: createWsServer(parts, { origins: options.origins }),
        turnAwayAtDoor: createDoor(parts),
        answer: createStreamAnswer(parts),
        answerSingle: createSseSingleServer(parts, {
          reservations: createReservations(options.secrets, clock, variant.variant),
          router: routerOf(variant.variant),
        }),
      };
    },
    openConnections: () => connections.open.size,
    drain: () => {
      drained ??= drainConnections(connections, { windowMs: settings.drainWindowMs, clock, random });
      return drained;
    },
    finish: () => finishAnswers(shared.unfinished, clock),
  };
}

function partsFrom(
  options: StreamOptions,
  variant: StreamVariant,
): Omit<StreamParts, 'connections' | 'wheel' | 'writes' | 'peers' | 'unfinished'> {
  return {
    prepare: createStreamOperations({ ...options, ...variant }),
    identify: options.identify,
    isRevoked: options.revocations?.refuses ?? (() => false),
    sender: options.sender,
    clock: options.clock,
    limits: options.settings,
    random: options.random,
    timeoutMs: variant.timeoutMs,
    json: variant.json,
    onSubscriptionEnd: options.onSubscriptionEnd,
    onConnectRefused: options.onConnectRefused,
  };
}
