import type { RequestListener } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import { type Certificate, createCertificate } from './certificate.ts';
import type { GraphListener } from './listener.ts';
import { createPlainListener, type PlainSettings } from './plain-listener.ts';
import { createTlsListener, type TlsSettings } from './tls-listener.ts';

/** How the graph is reached. */
export interface ListenerOptions {
  readonly edge: PlainSettings;
  /** Without files, in plain text. */
  readonly tls: TlsSettings;
  readonly clock: Clock;
  readonly log: Log;
}

/** A listener, and what must be loaded before it listens and closed after it. */
export interface SecuredListener {
  readonly server: GraphListener;
  /** Absent in plain text. */
  readonly certificate: Certificate | undefined;
}

/** A listener of HTTP/1.1 and HTTP/2: in plain text the latter for trusted proxies alone. */
export function createGraphListener(
  { edge, tls, clock, log }: ListenerOptions,
  listener: RequestListener,
): SecuredListener {
  if (tls.certFile === '')
    return { server: createPlainListener(edge, listener, clock), certificate: undefined };
  const server = createTlsListener(edge, tls, listener, clock);
  return { server, certificate: createCertificate({ files: tls, clock, log, use: server.useKeyPair }) };
}
