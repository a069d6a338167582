import { isIP } from 'node:net';
import { z } from 'zod';
import { whole } from '../whole.ts';

const tlsVersions = ['TLSv1.2', 'TLSv1.3'] as const;

/** Any origin: for development alone. */
export const anyOrigin = '*';

/** RFC 9110 section 5.6.2. */
const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~\w-]{1,128}$/, 'expected the name of a header, such as X-My-Header');

/** RFC 6454 section 6.2: origins are compared as text, so one that is written otherwise would never be met. */
const origin = z
  .string()
  .refine(
    (text) => text === anyOrigin || isOrigin(text),
    'expected an origin as browsers send it, such as https://www.example.com: no path, no default port, lower case',
  );

const hostName = z
  .string()
  .regex(/^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]+\])$/, 'expected a host name in lower case, without a port');

const network = z
  .string()
  .refine(isNetwork, 'expected an address, or a network such as 10.0.0.0/8 or fd00::/8');

/** The section `server`: where the graph is served, and what its edge takes. */
export const serverOptions = z
  .strictObject({
    host: z.string().min(1, 'expected an address').default('127.0.0.1').describe('Address to listen on'),
    port: whole(0, 65_535, 4000).describe('Port of the graph; 0 takes a free one'),
    adminPort: whole(0, 65_535, 4001).describe(
      'Port of `/livez`, `/readyz` and `/metrics`; 0 takes a free one',
    ),
    allowedOrigins: z.array(origin).max(100, 'expected at most 100 origins').default([]).meta({
      description:
        'Origins whose pages may read answers and open WebSockets; `*` for any, which production refuses',
      bounds: 'at most 100, each scheme, host and port',
      default: 'none; for WebSockets that of the host itself in production, any outside',
    }),
    allowCredentials: z
      .boolean('expected true or false')
      .default(false)
      .describe('Whether browsers send cookies and certificates of the pages of `server.allowedOrigins`'),
    allowedHeaders: z.array(headerName).max(50, 'expected at most 50 headers').default([]).meta({
      description: 'Headers that pages of other origins may send beside those that Weir reads',
      bounds: 'at most 50',
      default: 'none',
    }),
    allowedHosts: z.array(hostName).max(100, 'expected at most 100 hosts').default([]).meta({
      description: 'Names under which the graph is served; others are 400',
      bounds: 'at most 100, without ports',
      default: 'any',
    }),
    trustedProxies: z.array(network).max(100, 'expected at most 100 networks').default([]).meta({
      description:
        'Networks of the proxies before it: from them `X-Forwarded-For`, `-Host` and `-Proto` are believed, and HTTP/2 in plain text is taken',
      bounds: 'at most 100 addresses or CIDRs',
      default: 'none',
    }),
    compressionMinBytes: whole(0, 16_777_216, 1024).describe(
      'Bytes of the shortest answer that is compressed (br, zstd, gzip) for clients that read that; 0 for none',
    ),
    headersTimeoutMs: whole(100, 60_000, 5000).describe(
      'Longest that the head of a request may take, in milliseconds',
    ),
    requestTimeoutMs: whole(100, 300_000, 10_000).describe(
      'Longest that a whole request may take to arrive, in milliseconds',
    ),
    keepAliveTimeoutMs: whole(1000, 600_000, 65_000).describe(
      'Longest that an idle connection is kept, in milliseconds: longer than the load balancer before it keeps it',
    ),
    maxHeaderBytes: whole(4096, 131_072, 16_384).describe('Largest head of a request, in bytes'),
    maxHeaders: whole(16, 1000, 100).describe('Most headers of a request'),
    maxConnections: whole(1, 1_000_000, 30_000).describe(
      'Connections of one process, WebSockets and event streams among them; more are closed at once',
    ),
    maxStreamsPerConnection: whole(1, 10_000, 100).describe(
      'Requests at one time on one HTTP/2 connection, event streams among them',
    ),
    maxRequestsPerConnection: whole(1, 10_000_000, 10_000).describe(
      'Requests after which a connection is closed, so that load balancers can spread its client anew',
    ),
  })
  .refine(({ port, adminPort }) => port === 0 || port !== adminPort, {
    path: ['adminPort'],
    error: 'expected another port than server.port',
  })
  .refine(({ headersTimeoutMs, requestTimeoutMs }) => headersTimeoutMs <= requestTimeoutMs, {
    path: ['headersTimeoutMs'],
    error: 'expected at most server.requestTimeoutMs',
  })
  .refine(
    ({ allowCredentials, allowedOrigins }) => !allowCredentials || !allowedOrigins.includes(anyOrigin),
    {
      path: ['allowCredentials'],
      error:
        'expected false while server.allowedOrigins has "*": browsers would show any page what is private',
    },
  );

/** The section `tls`: without files the graph is served in plain text, for a proxy that ends TLS. */
export const tlsOptions = z
  .strictObject({
    certFile: z.string().default('').meta({
      description:
        'PEM file of the certificate, those that it was issued by behind it: the graph is then served over TLS, HTTP/2 and HTTP/1.1',
      default: 'none',
    }),
    keyFile: z
      .string()
      .default('')
      .meta({ description: 'PEM file of its key, without a passphrase', default: 'none' }),
    minVersion: z
      .enum(tlsVersions, `expected one of ${tlsVersions.join(', ')}`)
      .default('TLSv1.2')
      .describe('Oldest version of TLS that is spoken'),
    reloadMs: whole(100, 3_600_000, 10_000).describe(
      'How often the files are looked at, in milliseconds; connections outlive a new certificate',
    ),
  })
  .refine(({ certFile, keyFile }) => (certFile === '') === (keyFile === ''), {
    path: ['keyFile'],
    error: 'expected both files, tls.certFile and tls.keyFile, or none',
  });

/** What is wrong with the section in production; one line for each fault. */
export function serverFaults(server: Readonly<Record<string, unknown>>): readonly string[] {
  const { allowedOrigins } = server;
  if (!Array.isArray(allowedOrigins) || !allowedOrigins.includes(anyOrigin)) return [];
  return ['server.allowedOrigins: expected origins by name in production, got "*"'];
}

function isOrigin(text: string): boolean {
  return /^https?:[^*]*$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
