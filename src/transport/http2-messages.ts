import type { IncomingMessage, OutgoingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import { Http2ServerRequest, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';

/**
 * Requests of HTTP/2 with what the rest of the transport reads of `IncomingMessage`: Node's compatibility API has all of it
 * but this.
 */
class StreamedRequest extends Http2ServerRequest {
  /** Every value of each header, in the order in which they came. */
  get headersDistinct(): Record<string, string[]> {
    const distinct: Record<string, string[]> = Object.create(null);
    for (let index = 0; index < this.rawHeaders.length; index += 2) {
      const name = (this.rawHeaders[index] ?? '').toLowerCase();
      distinct[name] ??= [];
      distinct[name].push(this.rawHeaders[index + 1] ?? '');
    }
    return distinct;
  }
}

// as: its types say that it is a Writable and has `destroyed`; it is none and has not
const BareResponse = Http2ServerResponse as unknown as new (
  stream: ServerHttp2Stream,
) => Omit<Http2ServerResponse, 'destroyed' | 'writeHead'> & {
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
};

/** Answers of HTTP/2 with what the rest of the transport uses of `ServerResponse`. */
class StreamedResponse extends BareResponse {
  /** Whether nothing can be sent any more. */
  get destroyed(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  /** Leaves out `Connection`, which says nothing of a stream (RFC 9113 section 8.2.2). */
  override writeHead(status: number, headers: OutgoingHttpHeaders = {}): unknown {
    const { connection: _ofHttp1, ...rest } = headers;
    return super.writeHead(status, rest);
  }
}

/** The messages that a server of HTTP/2 gives to its listener. */
export const http2Messages = {
  Http2ServerRequest: StreamedRequest,
  Http2ServerResponse: StreamedResponse as unknown as typeof Http2ServerResponse, // as: see BareResponse
} as const;

/** A listener of HTTP/1.1 for a server of HTTP/2 with {@link http2Messages}. */
export function http2Listener(
  listener: RequestListener,
): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  return (request, response) =>
    // as: the compatibility API with what the messages add, or messages of HTTP/1.1
    listener(request as unknown as IncomingMessage, response as unknown as ServerResponse);
}
