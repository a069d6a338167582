import type { HttpOptions } from '../../src/transport/http.ts';

/** The defaults of the section `server`, for transports that are tested without a configuration. */
export const testEdgeSettings: HttpOptions['edge'] = {
  allowedOrigins: [],
  allowCredentials: false,
  allowedHeaders: [],
  allowedHosts: [],
  trustedProxies: [],
  compressionMinBytes: 1024,
  headersTimeoutMs: 5000,
  requestTimeoutMs: 10_000,
  keepAliveTimeoutMs: 65_000,
  maxHeaderBytes: 16_384,
  maxHeaders: 100,
  maxConnections: 30_000,
  maxStreamsPerConnection: 100,
  maxRequestsPerConnection: 10_000,
};

/** No TLS. */
export const plainText: HttpOptions['tls'] = {
  certFile: '',
  keyFile: '',
  minVersion: 'TLSv1.2',
  reloadMs: 10_000,
};
