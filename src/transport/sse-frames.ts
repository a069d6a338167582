import type { Delivered, EndReason } from '../realtime/sink.ts';
import type { StreamEncoding } from './stream-encoding.ts';
import { type EndFact, endTable } from './stream-end.ts';

/** An empty `data` all the same: without one, EventSource dispatches no event (HTML, section 9.2.6). */
const completeFrame = 'event: complete\ndata:\n\n';

/** A cursor may stand in a field of one line; anything else is no cursor of ours. */
const linePattern = /^[\x21-\x7e]{1,2048}$/;

/**
 * GraphQL over SSE, distinct connections mode: `next` and `complete`, and nothing else that has a name, since graphql-sse
 * throws on that. Fields without an event (`id`, `retry`) and comments are for EventSource, and passed over by others.
 */
export const sseEncoding: StreamEncoding = {
  transport: 'sse',
  contentType: 'text/event-stream; charset=utf-8',
  opening: ':\n\n',
  heartbeat: ':\n\n',
  comesBack: true,
  frame: ({ json, cursor }: Delivered) => Buffer.from(nextFrame(json, cursor)),
  next: (payload) => nextFrame(payload, undefined),
  // EventSource keeps an id without an event, and comes back with it (HTML, section 9.2.6).
  live: ({ cursor }) => (cursor === undefined ? ':live\n\n' : `${idField(cursor)}\n`),
  end: (reason, error, { retryMs }) => endFrame(reason, error, retryMs),
};

function nextFrame(payload: string, cursor: string | undefined): string {
  const id = cursor === undefined ? '' : idField(cursor);
  return `event: next\n${id}${dataField(payload)}\n`;
}

function endFrame(reason: EndReason, error: object | undefined, retryMs: number): string {
  const fact: EndFact = endTable[reason];
  // An end without `complete` is what graphql-sse comes back after; EventSource waits as long as `retry` says.
  if (fact.told === 'retry') return `retry: ${Math.round(retryMs)}\n\n`;
  if (fact.told === 'nothing') return '';
  const last = fact.told === 'error' ? nextFrame(JSON.stringify({ errors: [error] }), undefined) : '';
  return last + completeFrame;
}

/** The field `id`; none for a cursor that could not stand in one line. */
export function idField(cursor: string): string {
  return linePattern.test(cursor) ? `id: ${cursor}\n` : '';
}

/** The field `data`: a line of its own for each line of the text, so that no text can become a field. */
export function dataField(text: string): string {
  if (!/[\r\n]/.test(text)) return `data: ${text}\n`;
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('');
}
