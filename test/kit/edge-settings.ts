import type { HttpOptions } from '../../src/transport/http.ts';

/** The defaults of the section `server`, for transports that are tested without a configuration. */
export const testEdgeSettings: HttpOptions['edge'] = {
  allowedOrigins: [],
  allowCredentials: false,
  allowedHeaders: [],
  allowedHosts: [],
  trustedProxies: [],
  headersTimeoutMs: 5000,
  requestTimeoutMs: 10_000,
  keepAliveTimeoutMs: 65_000,
  maxHeaderBytes: 16_384,
  maxHeaders: 100,
  maxConnections: 30_000,
  maxRequestsPerConnection: 10_000,
};
