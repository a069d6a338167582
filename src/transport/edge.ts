import type { IncomingMessage, ServerResponse } from 'node:http';
import { WeirError } from '../errors.ts';
import { type CorsSettings, createCors, isPreflight } from './cors.ts';
import { createPeerReader, type Peer } from './peer.ts';
import { isRepeated } from './raw-headers.ts';

/** What is checked of a request before anything is read of it: a part of the section `server` of the configuration. */
export interface EdgeSettings extends CorsSettings {
  /** Host names in lower case, without ports; empty for any. */
  readonly allowedHosts: readonly string[];
  /** See {@link createPeerReader}. */
  readonly trustedProxies: readonly string[];
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
}

/** What stands between the network and the graph. */
export interface Edge {
  /** Sets the headers that every answer has, and says who asks. */
  readonly begin: (request: IncomingMessage, response: ServerResponse) => Peer;
  /** The coded refusal of a request that is not for us, or whose head is too large. */
  readonly headRefusal: (request: IncomingMessage, peer: Peer) => WeirError | undefined;
  /** Answers a preflight for an address that takes these methods, and returns true; false for other requests. */
  readonly answersPreflight: (request: IncomingMessage, response: ServerResponse, methods: string) => boolean;
  readonly peerOf: (request: IncomingMessage) => Peer;
}

/**
 * Headers of every answer, as OWASP's REST Security Cheat Sheet has them: an answer is data and never a page, frame or
 * script. Answers that may be kept or are pages say so in place of these.
 */
const securityHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** RFC 6797: a year. In production alone, since browsers hold it against every port of the host. */
const strictTransport = 'max-age=31536000';

/** Host without user information (RFC 9110 section 7.2): a name or IPv4, or IPv6 in brackets, and a port. */
const hostPattern = /^((?:[\w.~%-]+|\[[0-9a-f:.]+\]))(?::\d{1,5})?$/i;

/** The edge of a gateway. */
export function createEdge(settings: EdgeSettings, production: boolean): Edge {
  const cors = createCors(settings);
  const peerOf = createPeerReader(settings.trustedProxies);
  const headers = Object.entries(securityHeaders);
  return {
    peerOf,
    begin: (request, response) => {
      const peer = peerOf(request);
      for (const [name, value] of headers) response.setHeader(name, value);
      if (production && peer.isSecure) response.setHeader('strict-transport-security', strictTransport);
      cors.open(request, response);
      return peer;
    },
    headRefusal: (request, peer) => {
      const excess = headExcess(request, settings);
      if (excess !== undefined) return new WeirError('HEADERS_TOO_LARGE', { message: excess });
      const message =
        framingFault(request) ?? repeatedHost(request) ?? hostFault(peer.host, settings.allowedHosts);
      return message === undefined ? undefined : new WeirError('BAD_REQUEST', { message });
    },
    answersPreflight: (request, response, methods) => {
      if (!isPreflight(request)) return false;
      cors.preflight(request, response, methods);
      return true;
    },
  };
}

/**
 * RFC 9112 section 6.1: no coding but chunks is undone here, and HTTP/1.0 has none. Who stands before us may see the end of
 * such a request elsewhere.
 */
function framingFault({ headers, httpVersion }: IncomingMessage): string | undefined {
  const coding = headers['transfer-encoding'];
  if (coding === undefined || (coding.toLowerCase() === 'chunked' && httpVersion !== '1.0')) return undefined;
  return 'Header "Transfer-Encoding": expected chunked alone, in HTTP/1.1.';
}

function repeatedHost({ rawHeaders }: IncomingMessage): string | undefined {
  return isRepeated(rawHeaders, 'host') ? 'Header "Host": expected one, got several.' : undefined;
}

function hostFault(host: string, allowedHosts: readonly string[]): string | undefined {
  const [, name] = hostPattern.exec(host) ?? [];
  if (name === undefined) return 'Header "Host": expected one host name or address.';
  if (allowedHosts.length === 0 || allowedHosts.includes(name.toLowerCase())) return undefined;
  return 'Header "Host": expected one that is served here; the option is server.allowedHosts.';
}

/** Of HTTP/1.1 the parser bounds the bytes; those of HTTP/2 that a client sent with few may be many. */
function headExcess(
  { rawHeaders }: IncomingMessage,
  { maxHeaders, maxHeaderBytes }: EdgeSettings,
): string | undefined {
  const count = rawHeaders.length / 2;
  if (count > maxHeaders)
    return `Expected at most ${maxHeaders} headers, got ${count}. The option is server.maxHeaders.`;
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length; // a character is a byte: Node reads them so
  if (bytes <= maxHeaderBytes) return undefined;
  return `Expected headers of at most ${maxHeaderBytes} bytes, got ${bytes}. The option is server.maxHeaderBytes.`;
}
