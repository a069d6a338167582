import { timingSafeEqual } from 'node:crypto';
import { canonicalJson, type PlainData } from '../canonical-json.ts';
import { WeirError } from '../errors.ts';
import { createHmacSha256, type HmacSha256 } from '../hmac.ts';

/** Longest cursor in characters that is read or made: 751 bytes of position. */
export const maxCursorLength = 1024;

const version = 1;
const macBytes = 16;
const headBytes = 1 + macBytes;
const maxPositionBytes = maxCursorLength * 0.75 - headBytes;
const minSecretBytes = 32;

/** Why a cursor was refused: for the log and for tests, never for the client. */
export type CursorFault = 'length' | 'encoding' | 'version' | 'mac';

/** The position in a cursor, or why there is none. */
export type DecodedCursor =
  | { readonly ok: true; readonly position: string }
  | { readonly ok: false; readonly reason: CursorFault };

/** Plain data of a field's filter arguments. */
export type FilterValue = PlainData;

/** Turns upstream positions into opaque cursors and back. */
export interface CursorCodec {
  /** A cursor for `position` that only `scope` accepts; throws RangeError for a position above 751 bytes. */
  readonly encode: (scope: string, position: string) => string;
  /** The position of a cursor that `encode` made for the same `scope`; anything else is refused, never thrown. */
  readonly decode: (scope: string, cursor: string) => DecodedCursor;
}

/** What a cursor codec is made of. */
export interface CursorCodecOptions {
  /** At least one, each at least 32 bytes. The first signs, all verify: rotate by putting a new one in front. */
  readonly secrets: readonly string[];
}

/**
 * Where a cursor is good: the field's coordinate (`Query.things`), its filter and its order. Equal filters give equal
 * scopes whatever the order of their members; a member that is undefined counts as absent.
 */
export function cursorScope(field: string, filter: FilterValue, order: string): string {
  return canonicalJson([field, filter ?? null, order]);
}

/**
 * A codec for cursors of the form base64url(version byte, MAC, position). The MAC is HMAC-SHA-256 (RFC 2104) cut to
 * its first 16 bytes (section 5) over version, scope and position, so that a cursor can be neither forged nor moved
 * to another field, filter or order. The position is readable for whoever holds the cursor: put no secret in it.
 * Throws RangeError when there is no secret or one is shorter than 32 bytes.
 */
export function createCursorCodec({ secrets }: CursorCodecOptions): CursorCodec {
  const signers = secrets.map(signerFromSecret);
  const [signer] = signers;
  if (!signer) throw new RangeError('Cursor secrets: expected at least one, got none.');

  return {
    encode: (scope, position) => {
      const positionBytes = Buffer.byteLength(position, 'utf8');
      if (positionBytes > maxPositionBytes || !position.isWellFormed())
        throw new RangeError(
          `Cursor position: expected well-formed text of at most ${maxPositionBytes} bytes, got ${positionBytes} bytes.`,
        );
      const bytes = Buffer.allocUnsafe(headBytes + positionBytes);
      bytes[0] = version;
      bytes.write(position, headBytes, 'utf8');
      bytes.set(macOf(signer, scope, bytes.subarray(headBytes)), 1);
      return bytes.toString('base64url');
    },
    decode: (scope, cursor) => {
      if (cursor.length > maxCursorLength) return refused('length');
      const bytes = Buffer.from(cursor, 'base64url');
      // Node skips what is not base64url and ignores spare bits; only the one canonical spelling is a cursor.
      if (bytes.toString('base64url') !== cursor) return refused('encoding');
      if (bytes.length < headBytes) return refused('length');
      if (bytes[0] !== version) return refused('version');
      const mac = bytes.subarray(1, headBytes);
      const position = bytes.subarray(headBytes);
      const genuine = signers.some((sign) => timingSafeEqual(mac, macOf(sign, scope, position)));
      return genuine ? { ok: true, position: position.toString('utf8') } : refused('mac');
    },
  };
}

/**
 * The position in `cursor`, which came in the argument `argument` (`after`, `before`). Throws `INVALID_CURSOR`, with
 * one message whatever the fault; the fault itself is the error's cause.
 */
export function assertCursor(codec: CursorCodec, scope: string, cursor: string, argument: string): string {
  const decoded = codec.decode(scope, cursor);
  if (decoded.ok) return decoded.position;
  throw new WeirError('INVALID_CURSOR', {
    message:
      `Argument "${argument}": expected a cursor that this field gave for the same filter and order, ` +
      `got ${excerpt(cursor)}. Take it from "cursor", "startCursor" or "endCursor" of such an answer, or leave it out.`,
    extensions: { argument },
    cause: decoded.reason,
  });
}

function signerFromSecret(secret: string, index: number): HmacSha256 {
  const bytes = Buffer.from(secret, 'utf8');
  if (bytes.length >= minSecretBytes) return createHmacSha256(bytes);
  throw new RangeError(
    `Cursor secrets: expected at least ${minSecretBytes} bytes in secret ${index + 1}, got ${bytes.length}.`,
  );
}

/** The scope's length goes in front of it, so that no part of a scope can pass for the start of a position. */
function macOf(sign: HmacSha256, scope: string, position: Uint8Array): Uint8Array {
  const head = `${String.fromCharCode(version)}${Buffer.byteLength(scope)}:${scope}`;
  return sign(head, position).subarray(0, macBytes);
}

function refused(reason: CursorFault): DecodedCursor {
  return { ok: false, reason };
}

/** Enough of what a client sent to find it again; quoted, because it is anyone's text. */
function excerpt(text: string): string {
  const shown = text.length > 24 ? `${text.slice(0, 24)}…` : text;
  return `${JSON.stringify(shown)} (${text.length} characters)`;
}
