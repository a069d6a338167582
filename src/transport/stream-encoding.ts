import type { Delivered, EndReason, Live } from '../realtime/sink.ts';
import type { ChannelForm } from './response-channel.ts';
import type { StreamTransport } from './stream-parts.ts';

/** What the end of a stream says to those that come back. */
export interface EndHint {
  /** Milliseconds that the client shall wait before it does. */
  readonly retryMs: number;
}

/** How one transport writes a subscription into the body of an answer. All text is UTF-8. */
export interface StreamEncoding extends ChannelForm {
  readonly transport: StreamTransport;
  /** One event; the same bytes for everybody. */
  readonly frame: (delivered: Delivered) => Buffer;
  readonly next: (payload: string) => string;
  readonly live: (live: Live) => string;
  /** The last that is written. `error` is undefined for an end that is none. */
  readonly end: (reason: EndReason, error: object | undefined, hint: EndHint) => string;
}
