import type { StreamEncoding } from './stream-encoding.ts';
import { type EndFact, endTable } from './stream-end.ts';
import { payloadFrom } from './stream-payload.ts';

/** Boundary of the parts, as Apollo's protocol fixes it. Each part is followed by one at once: clients wait for that. */
const boundary = '\r\n--graphql';
const partHead = '\r\ncontent-type: application/json';
const cursorPattern = /^[\x21-\x7e]{1,2048}$/;

/** Apollo's multipart subscriptions 1.0: `{ payload }` for an event, `{}` as heartbeat, no payload for a failed stream. */
export const multipartEncoding: StreamEncoding = {
  transport: 'multipart',
  contentType: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
  opening: boundary,
  heartbeat: part('{}'),
  // Apollo Client gives such an end to the application, as an error.
  comesBack: false,
  frame: (delivered) => Buffer.from(payloadPart(payloadFrom(delivered))),
  next: payloadPart,
  // Apollo Client takes any member for a result, so that the position can only stand in the part's own head.
  live: ({ cursor }) => part('{}', cursor !== undefined && cursorPattern.test(cursor) ? cursor : undefined),
  end: (reason, error) => {
    const fact: EndFact = endTable[reason];
    if (fact.told === 'nothing') return '';
    const last = error === undefined ? '' : part(JSON.stringify({ payload: null, errors: [error] }));
    return `${last}--\r\n`;
  },
};

function payloadPart(payload: string): string {
  return part(`{"payload":${payload}}`);
}

function part(json: string, cursor?: string): string {
  const head = cursor === undefined ? partHead : `${partHead}\r\nweir-cursor: ${cursor}`;
  return `${head}\r\n\r\n${json}${boundary}`;
}
