import { WeirError } from '../errors.ts';
import { createSeal, type SealFault } from '../seal.ts';
import type { Position } from './broker.ts';
import type { Topic } from './topic.ts';

/** Whom and what a cursor is for: nobody else's and no other topic's is accepted. */
export interface CursorScope {
  readonly topic: Pick<Topic, 'key'>;
  /** Names those who may use it: the viewer, the tenant, or everybody, as the topic's audience says. */
  readonly audienceKey: string;
}

/** Why a cursor was refused: for the log and for tests, never for the client. */
export type ResumeCursorFault = SealFault | 'position';

/** The position in a cursor, or why there is none. */
export type ParsedResumeCursor =
  | { readonly ok: true; readonly position: Position }
  | { readonly ok: false; readonly reason: ResumeCursorFault };

/** Turns positions in topics into opaque cursors and back, at every instance with the same secrets. */
export interface ResumeCursorCodec {
  /** A cursor after `position`, of at most 1,024 characters; throws RangeError for an epoch that is longer than those are. */
  readonly encode: (scope: CursorScope, position: Position) => string;
  /** The position of a cursor that `encode` made for an equal scope; anything else is refused, never thrown. */
  readonly parse: (scope: CursorScope, cursor: string) => ParsedResumeCursor;
}

/** What a codec is made of. */
export interface ResumeCursorOptions {
  /** At least one, each at least 32 bytes. The first signs, all verify: rotate by putting a new one in front. */
  readonly secrets: readonly string[];
  /** The face of the graph whose cursors they are: another's are refused. */
  readonly variant: string;
}

/**
 * A codec for cursors that are sealed (see {@link createSeal}) for their variant, topic and audience: none can be forged, or
 * moved to another of these. Throws RangeError when there is no secret or one is shorter than 32 bytes.
 */
export function createResumeCursorCodec({ secrets, variant }: ResumeCursorOptions): ResumeCursorCodec {
  const cursors = createSeal({ purpose: `resume cursor ${variant}`, secrets });
  return {
    encode: (scope, { epoch, offset }) => cursors.seal(scopeText(scope), `${offset} ${epoch}`),
    parse: (scope, cursor) => {
      const opened = cursors.open(scopeText(scope), cursor);
      return opened.ok ? parsePosition(opened.text) : opened;
    },
  };
}

/** The position in `cursor`; throws `INVALID_CURSOR`, with one message whatever the fault, which is the error's cause. */
export function assertResumeCursor(codec: ResumeCursorCodec, scope: CursorScope, cursor: string): Position {
  const parsed = codec.parse(scope, cursor);
  if (parsed.ok) return parsed.position;
  throw new WeirError('INVALID_CURSOR', {
    message:
      `Resume cursor: expected one that this subscription gave to the same caller, got ${cursor.length} characters that are not. ` +
      'Take it from "id:" or "extensions.cursor" of its last event, or leave it out and query the state anew.',
    cause: parsed.reason,
  });
}

function scopeText({ topic, audienceKey }: CursorScope): string {
  return JSON.stringify([topic.key, audienceKey]);
}

function parsePosition(text: string): ParsedResumeCursor {
  const space = text.indexOf(' ');
  const offset = Number(text.slice(0, space));
  if (space < 1 || !Number.isSafeInteger(offset) || offset < 0) return { ok: false, reason: 'position' };
  return { ok: true, position: { epoch: text.slice(space + 1), offset } };
}
