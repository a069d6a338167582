import type { Accepted } from './accept.ts';
import { multipartEncoding } from './multipart-frames.ts';
import { sseEncoding } from './sse-frames.ts';
import type { StreamEncoding } from './stream-encoding.ts';

/** The form of a stream that is wanted more; of two wanted alike, the one that more clients resume by themselves. */
export function encodingFor({
  eventStream,
  multipart,
}: Pick<Accepted, 'eventStream' | 'multipart'>): StreamEncoding {
  return multipart > eventStream ? multipartEncoding : sseEncoding;
}
