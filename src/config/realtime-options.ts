import { z } from 'zod';
import { whole } from '../whole.ts';

/** The section `realtime`: bounds of connections and of their streams. */
export const realtimeOptions = z
  .strictObject({
    heartbeatMs: whole(1000, 60_000, 12_000).describe(
      'Time between two signs of life on an idle connection, in milliseconds',
    ),
    pongTimeoutMs: whole(100, 59_000, 10_000).describe(
      'Longest that a WebSocket waits for the answer to a ping, in milliseconds',
    ),
    initTimeoutMs: whole(100, 60_000, 3000).describe(
      'Longest that a WebSocket waits for `connection_init`, in milliseconds',
    ),
    maxConnections: whole(1, 1_000_000, 20_000).describe('WebSockets and event streams of one process'),
    maxConnectionsPerPrincipal: whole(1, 1_000_000, 1000).describe(
      'WebSockets and event streams of one principal on one process',
    ),
    maxConnectsPerSecond: whole(1, 1_000_000, 1000).describe(
      'WebSockets and event streams that begin at one process in a second, and at once after a quiet one; others are sent away for some seconds',
    ),
    maxSubscriptionsPerPrincipal: whole(1, 1_000_000, 10_000).describe(
      'Subscriptions of one principal at all instances together',
    ),
    maxOperationsPerConnection: whole(1, 10_000, 50).describe('Operations in flight on one connection'),
    maxMessagesPerSecond: whole(1, 100_000, 200).describe('Messages of one WebSocket in a second'),
    maxPingsPerSecond: whole(1, 1000, 10).describe('Pings of one WebSocket in a second'),
    frameMaxBytesBeforeAuth: whole(1024, 1_048_576, 65_536).describe(
      'Largest message before `connection_ack`, in bytes',
    ),
    frameMaxBytes: whole(1024, 16_777_216, 262_144).describe('Largest message of a WebSocket, in bytes'),
    bufferMaxBytes: whole(65_536, 67_108_864, 1_048_576).describe(
      'What waits to be read by one client, in bytes, before its messages are not read any more',
    ),
    replayPricePercent: whole(0, 100, 50).describe(
      'Share of its price that an event costs when a client that comes back is given it from the history, in percent, rounded up; at least 1 point',
    ),
    drainWindowMs: whole(0, 600_000, 30_000).describe(
      'Over how long a stopping gateway sends its connections away, in milliseconds',
    ),
    connectionMaxAgeMs: whole(0, 86_400_000, 3_600_000).describe(
      'Age at which a connection is sent to connect anew, so that load spreads over instances that came later, in milliseconds; 0 for never',
    ),
  })
  .refine(({ heartbeatMs, pongTimeoutMs }) => pongTimeoutMs < heartbeatMs, {
    path: ['pongTimeoutMs'],
    error: 'expected less than realtime.heartbeatMs',
  });
