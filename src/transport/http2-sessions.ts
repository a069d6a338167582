import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Clock } from '../clock.ts';
import type { SocketSettings } from './listener.ts';

/** Bounds of one HTTP/2 connection: what Node takes in its options. Sources: RFC 9113 section 10.5, and the holes named. */
export function sessionBounds({ maxHeaderBytes, maxHeaders, maxStreamsPerConnection }: SocketSettings) {
  return {
    // Node resets a stream above these; the edge tells who is not as far above what it takes.
    settings: { maxConcurrentStreams: maxStreamsPerConnection, maxHeaderListSize: 2 * maxHeaderBytes },
    maxHeaderListPairs: 2 * maxHeaders,
    maxSettings: 32,
    /** Megabytes. */
    maxSessionMemory: 10,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    // Streams that a client resets at once, and per second after that (CVE-2023-44487, CVE-2025-8671).
    streamResetBurst: 200,
    streamResetRate: 20,
  } as const;
}

/**
 * Keeps the connections of a server to what Node bounds over HTTP/1.1 alone: idle ones end after `keepAliveTimeoutMs`, old
 * ones after `maxRequestsPerConnection`, and a request that does not arrive whole by `requestTimeoutMs` is 408.
 */
export function boundSessions(server: Pick<Http2Server, 'on'>, settings: SocketSettings, clock: Clock): void {
  server.on('session', (session) => {
    let requests = 0;
    boundIdleness(session, settings.keepAliveTimeoutMs, clock);
    session.on('stream', (stream) => {
      requests += 1;
      // Its GOAWAY names the last request that is answered: the client sends those behind it elsewhere (RFC 9113 section 6.8).
      // Not the GOAWAY before it that refuses none: behind that Node takes nothing in either, and does not say so.
      if (requests === settings.maxRequestsPerConnection) session.close();
      if (!stream.endAfterHeaders) boundBody(stream, settings.requestTimeoutMs, clock);
    });
  });
}

/**
 * Ends a connection that has had no request for so long, whatever else comes of it. Node's own timer is not told of a
 * client that cuts its connection off, and keeps the session until it fires.
 */
function boundIdleness(session: ServerHttp2Session, timeoutMs: number, clock: Clock): void {
  let open = 0;
  const rest = () => clock.after(timeoutMs, () => session.close());
  let cancelTimer = rest();
  session.on('stream', (stream) => {
    open += 1;
    cancelTimer();
    stream.once('close', () => {
      open -= 1;
      if (open === 0 && !session.closed && !session.destroyed) cancelTimer = rest();
    });
  });
  session.once('close', () => cancelTimer());
}

function boundBody(stream: ServerHttp2Stream, timeoutMs: number, clock: Clock): void {
  const cancelTimer = clock.after(timeoutMs, () => {
    if (stream.destroyed || stream.closed) return;
    if (!stream.headersSent)
      stream.respond({ ':status': constants.HTTP_STATUS_REQUEST_TIMEOUT }, { endStream: true });
    stream.close(constants.NGHTTP2_NO_ERROR);
  });
  stream.once('end', cancelTimer);
  stream.once('close', cancelTimer);
  // An answer that is complete needs no more of the request (RFC 9113 section 8.1).
  stream.once('finish', () => {
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  });
}
