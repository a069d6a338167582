import { timingSafeEqual } from 'node:crypto';
import { WeirError } from '../errors.ts';
import { createHmacSha256, type HmacSha256 } from '../hmac.ts';
import type { Position } from './broker.ts';
import type { Topic } from './topic.ts';

/** Longest resume cursor in characters that is read or made. */
export const maxResumeCursorLength = 1024;

const version = 1;
const macBytes = 16;
const headBytes = 1 + macBytes;
const minSecretBytes = 32;

/** Whom and what a cursor is for: nobody else's and no other topic's is accepted. */
export interface CursorScope {
  readonly topic: Pick<Topic, 'key'>;
  /** Names those who may use it: the viewer, the tenant, or everybody, as the topic's audience says. */
  readonly audienceKey: string;
}

/** Why a cursor was refused: for the log and for tests, never for the client. */
export type ResumeCursorFault = 'length' | 'encoding' | 'version' | 'mac' | 'position';

/** The position in a cursor, or why there is none. */
export type ParsedResumeCursor =
  | { readonly ok: true; readonly position: Position }
  | { readonly ok: false; readonly reason: ResumeCursorFault };

/** Turns positions in topics into opaque cursors and back, at every instance with the same secrets. */
export interface ResumeCursorCodec {
  /** A cursor after `position`; throws RangeError when it would be longer than 1,024 characters. */
  readonly encode: (scope: CursorScope, position: Position) => string;
  /** The position of a cursor that `encode` made for an equal scope; anything else is refused, never thrown. */
  readonly parse: (scope: CursorScope, cursor: string) => ParsedResumeCursor;
}

/** What a codec is made of. */
export interface ResumeCursorOptions {
  /** At least one, each at least 32 bytes. The first signs, all verify: rotate by putting a new one in front. */
  readonly secrets: readonly string[];
}

/**
 * A codec for cursors of the form base64url(version byte, MAC, position). The MAC is HMAC-SHA-256 (RFC 2104) cut to 16
 * bytes (section 5) over version, topic, audience and position: a cursor can be neither forged nor moved to another
 * topic or audience. Throws RangeError when there is no secret or one is shorter than 32 bytes.
 */
export function createResumeCursorCodec({ secrets }: ResumeCursorOptions): ResumeCursorCodec {
  const signers = secrets.map(signerFromSecret);
  const [signer] = signers;
  if (!signer) throw new RangeError('Resume cursor secrets: expected at least one, got none.');

  return {
    encode: (scope, { epoch, offset }) => {
      const position = Buffer.from(`${offset} ${epoch}`, 'utf8');
      const bytes = Buffer.concat([Buffer.of(version), macOf(signer, scope, position), position]);
      const cursor = bytes.toString('base64url');
      if (cursor.length <= maxResumeCursorLength) return cursor;
      throw new RangeError(
        `Resume cursor: expected at most ${maxResumeCursorLength} characters, got ${cursor.length}.`,
      );
    },
    parse: (scope, cursor) => {
      if (cursor.length > maxResumeCursorLength) return refused('length');
      const bytes = Buffer.from(cursor, 'base64url');
      // Node skips what is not base64url and ignores spare bits; only the one canonical spelling is a cursor.
      if (bytes.toString('base64url') !== cursor) return refused('encoding');
      if (bytes.length < headBytes) return refused('length');
      if (bytes[0] !== version) return refused('version');
      const mac = bytes.subarray(1, headBytes);
      const position = bytes.subarray(headBytes);
      const isGenuine = signers.some((sign) => timingSafeEqual(mac, macOf(sign, scope, position)));
      return isGenuine ? parsePosition(position.toString('utf8')) : refused('mac');
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

function signerFromSecret(secret: string, index: number): HmacSha256 {
  const bytes = Buffer.from(secret, 'utf8');
  if (bytes.length >= minSecretBytes) return createHmacSha256(bytes);
  throw new RangeError(
    `Resume cursor secrets: expected at least ${minSecretBytes} bytes in secret ${index + 1}, got ${bytes.length}.`,
  );
}

/** The name keeps it apart from other uses of a secret, the length before the scope apart from the position. */
function macOf(sign: HmacSha256, { topic, audienceKey }: CursorScope, position: Uint8Array): Buffer {
  const scope = JSON.stringify([topic.key, audienceKey]);
  return sign(`resume ${version} ${Buffer.byteLength(scope)}:${scope}`, position).subarray(0, macBytes);
}

function parsePosition(text: string): ParsedResumeCursor {
  const space = text.indexOf(' ');
  const offset = Number(text.slice(0, space));
  if (space < 1 || !Number.isSafeInteger(offset) || offset < 0) return refused('position');
  return { ok: true, position: { epoch: text.slice(space + 1), offset } };
}

function refused(reason: ResumeCursorFault): ParsedResumeCursor {
  return { ok: false, reason };
}
