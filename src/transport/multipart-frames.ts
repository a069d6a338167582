import type { PartsFormat } from './accept.ts';
import type { StreamEncoding } from './stream-encoding.ts';
import { type EndFact, endTable } from './stream-end.ts';
import { payloadFrom } from './stream-payload.ts';

/** Boundary of the parts, as Apollo's protocol fixes it. Each part is followed by one at once: clients wait for that. */
const boundary = '\r\n--graphql';
/** The same as a parameter of the content type, with what comes before it. */
const contentType = 'multipart/mixed;boundary="graphql"';
const partHead = '\r\ncontent-type: application/json';
const cursorPattern = /^[\x21-\x7e]{1,2048}$/;

/** Apollo's multipart subscriptions 1.0: `{ payload }` for an event, `{}` as heartbeat, no payload for a failed stream. */
export const multipartEncoding: StreamEncoding = {
  transport: 'multipart',
  contentType: `${contentType};subscriptionSpec=1.0`,
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

/** An answer in parts: an opening, the parts, an end. The content type says in which format they are. */
export const answerParts = {
  contentTypes: {
    'v0.2': `${contentType};incrementalSpec=v0.2`,
    '20220824': `${contentType};deferSpec=20220824`,
  } satisfies Readonly<Record<PartsFormat, string>>,
  opening: boundary,
  part: (json: string) => part(json),
  end: '--\r\n',
} as const;

function payloadPart(payload: string): string {
  return part(`{"payload":${payload}}`);
}

function part(json: string, cursor?: string): string {
  const head = cursor === undefined ? partHead : `${partHead}\r\nweir-cursor: ${cursor}`;
  return `${head}\r\n\r\n${json}${boundary}`;
}
