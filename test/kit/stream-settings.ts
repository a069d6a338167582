import type { StreamSettings } from '../../src/transport/streams.ts';

/** The defaults of the section `realtime`, for transports that are tested without a configuration. */
export const testStreamSettings: StreamSettings = {
  heartbeatMs: 12_000,
  pongTimeoutMs: 10_000,
  initTimeoutMs: 3000,
  maxConnections: 20_000,
  maxConnectionsPerPrincipal: 1000,
  maxConnectsPerSecond: 1000,
  maxOperationsPerConnection: 50,
  maxMessagesPerSecond: 200,
  maxPingsPerSecond: 10,
  frameMaxBytesBeforeAuth: 65_536,
  frameMaxBytes: 262_144,
  bufferMaxBytes: 1_048_576,
  drainWindowMs: 0,
  connectionMaxAgeMs: 3_600_000,
};
