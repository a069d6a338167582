import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Clock } from '../clock.ts';
import type { SocketSettings } from './listener.ts';

/** Bounds of one HTTP/2 connection: what Node takes in its options. Sources: RFC 9113 section 10.5, and the holes named. */
export function sessionBounds({ maxHeaderBytes, maxHeaders, maxStreamsPerConnection }: SocketSettings) {
  return {
    settings: { maxConcurrentStreams: maxStreamsPerConnection, maxHeaderListSize: maxHeaderBytes },
    // Pseudo-headers count, too.
    maxHeaderListPairs: maxHeaders + pseudoHeaders,
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

/** Method, scheme, authority and path (RFC 9113 section 8.3.1). */
const pseudoHeaders = 4;

/** The largest id of a stream: none is refused yet (RFC 9113 section 6.8). */
const maxStreamId = 2 ** 31 - 1;

/**
 * Keeps the connections of a server to what Node bounds over HTTP/1.1 alone: idle ones end after `keepAliveTimeoutMs`, old
 * ones after `maxRequestsPerConnection`, and a request that does not arrive whole by `requestTimeoutMs` is 408.
 */
export function boundSessions(server: Pick<Http2Server, 'on'>, settings: SocketSettings, clock: Clock): void {
  server.on('session', (session) => {
    let requests = 0;
    session.setTimeout(settings.keepAliveTimeoutMs, () => session.close());
    session.on('stream', (stream) => {
      requests += 1;
      if (requests === settings.maxRequestsPerConnection) leave(session);
      if (!stream.endAfterHeaders) boundBody(stream, settings.requestTimeoutMs, clock);
    });
  });
}

/**
 * Takes leave so that no request is lost: what is on its way when the client hears of it is answered still (RFC 9113
 * section 6.8).
 */
function leave(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, maxStreamId);
  session.ping(() => session.close());
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
