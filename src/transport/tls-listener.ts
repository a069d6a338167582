import { constants, randomBytes } from 'node:crypto';
import { type RequestListener, Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { SecureVersion } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { CertificateFiles, KeyPair } from './certificate.ts';
import { http2Listener, http2Messages } from './http2-messages.ts';
import { boundSessions, sessionBounds } from './http2-sessions.ts';
import { boundSockets, type GraphListener, http1Bounds, type SocketSettings } from './listener.ts';
import { destroyAll, keepWhileOpen } from './open-sockets.ts';

/** How connections are secured: the section `tls` of the configuration. */
export interface TlsSettings extends CertificateFiles {
  readonly minVersion: SecureVersion;
}

/** A listener whose certificate can be replaced: before it listens, and at any time after that. */
export interface TlsListener extends GraphListener {
  /** Connections that are there keep theirs. Throws when the pair cannot be used. */
  readonly useKeyPair: (pair: KeyPair) => void;
}

/** RFC 9113 section 9.2.1: keys of TLS 1.2 are not negotiated anew, which costs a server more than its client. */
const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;

/** Bytes: name, HMAC and AES key of session tickets, as OpenSSL has them. */
const ticketKeyBytes = 48;

/**
 * A server of HTTP/2 and HTTP/1.1 over TLS, by ALPN (RFC 7301), that keeps clients to `settings`, not yet listening. WebSockets
 * are upgrades of HTTP/1.1. Sessions are resumed by tickets, also of a certificate before this one.
 */
export function createTlsListener(
  settings: SocketSettings,
  { minVersion }: Pick<TlsSettings, 'minVersion'>,
  listener: RequestListener,
  clock: Clock,
): TlsListener {
  const ticketKeys = randomBytes(ticketKeyBytes);
  const server = createSecureServer({
    ...sessionBounds(settings),
    ...http1Bounds(settings),
    http1Options: http1Bounds(settings),
    allowHTTP1: true,
    minVersion,
    secureOptions,
    ticketKeys,
    handshakeTimeout: settings.headersTimeoutMs,
    ...http2Messages,
  });
  server.on('request', http2Listener(listener));
  boundSessions(server, settings, clock);
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket) => keepWhileOpen(sockets, socket));
  boundSockets(server, settings);
  return Object.assign(server, {
    // Its types do not say that it has it; those of HTTP/2 end by themselves when it is closed.
    closeIdleConnections: () => Server.prototype.closeIdleConnections.call(server),
    // Node has it for servers of HTTP/1.1 alone.
    closeAllConnections: () => destroyAll(sockets),
    useKeyPair: (pair: KeyPair) =>
      server.setSecureContext({ ...pair, minVersion, secureOptions, ticketKeys }),
  });
}
