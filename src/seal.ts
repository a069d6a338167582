import { timingSafeEqual } from 'node:crypto';
import { createHmacSha256, type HmacSha256 } from './hmac.ts';

/** Longest sealed text in characters that is read or made. */
export const maxSealedLength = 1024;

const version = 1;
const macBytes = 16;
const headBytes = 1 + macBytes;
/** Longest text that can be sealed, in bytes: 751. */
const maxTextBytes = maxSealedLength * 0.75 - headBytes;
const minSecretBytes = 32;

/** Why a text was not opened: for the log and for tests, never for the client. */
export type SealFault = 'length' | 'encoding' | 'version' | 'mac';

/** The text in a sealed one, or why there is none. */
export type Opened =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: SealFault };

/** Makes texts that clients keep for us and cannot change: opaque, and good for one scope only. */
export interface Seal {
  /** A sealed `text` that only `scope` opens; throws RangeError for a text above 751 bytes, or that is not well-formed. */
  readonly seal: (scope: string, text: string) => string;
  /** The text that was sealed for the same `scope`; anything else is refused, never thrown. */
  readonly open: (scope: string, sealed: string) => Opened;
}

/** What a seal is made of. */
export interface SealOptions {
  /** What is sealed, such as `cursor`: seals of another purpose are not opened, whatever their secrets. */
  readonly purpose: string;
  /** At least one, each at least 32 bytes. The first signs, all verify: rotate by putting a new one in front. */
  readonly secrets: readonly string[];
}

/**
 * A seal of the form base64url(version byte, MAC, text). The MAC is HMAC-SHA-256 (RFC 2104) cut to its first 16 bytes
 * (section 5) over purpose, version, scope and text, so that a text can be neither forged nor moved to another scope. It is
 * readable for whoever holds it: put no secret in it. Throws RangeError when there is no secret or one is too short.
 */
export function createSeal({ purpose, secrets }: SealOptions): Seal {
  const signers = secrets.map((secret, index) => signerFromSecret(purpose, secret, index));
  const [signer] = signers;
  if (!signer) throw new RangeError(`Secrets of the ${purpose}: expected at least one, got none.`);
  // The scope's length goes in front of it, so that no part of a scope can pass for the start of a text.
  const macOf = (sign: HmacSha256, scope: string, text: Uint8Array) =>
    sign(`${purpose} ${version} ${Buffer.byteLength(scope)}:${scope}`, text).subarray(0, macBytes);

  return {
    seal: (scope, text) => {
      const textBytes = Buffer.byteLength(text, 'utf8');
      if (textBytes > maxTextBytes || !text.isWellFormed())
        throw new RangeError(
          `Text of the ${purpose}: expected well-formed text of at most ${maxTextBytes} bytes, got ${textBytes} bytes.`,
        );
      const bytes = Buffer.allocUnsafe(headBytes + textBytes);
      bytes[0] = version;
      bytes.write(text, headBytes, 'utf8');
      bytes.set(macOf(signer, scope, bytes.subarray(headBytes)), 1);
      return bytes.toString('base64url');
    },
    open: (scope, sealed) => {
      if (sealed.length > maxSealedLength) return refused('length');
      const bytes = Buffer.from(sealed, 'base64url');
      // Node skips what is not base64url and ignores spare bits; only the one canonical spelling is ours.
      if (bytes.toString('base64url') !== sealed) return refused('encoding');
      if (bytes.length < headBytes) return refused('length');
      if (bytes[0] !== version) return refused('version');
      const mac = bytes.subarray(1, headBytes);
      const text = bytes.subarray(headBytes);
      const isGenuine = signers.some((sign) => timingSafeEqual(mac, macOf(sign, scope, text)));
      return isGenuine ? { ok: true, text: text.toString('utf8') } : refused('mac');
    },
  };
}

function signerFromSecret(purpose: string, secret: string, index: number): HmacSha256 {
  const bytes = Buffer.from(secret, 'utf8');
  if (bytes.length >= minSecretBytes) return createHmacSha256(bytes);
  throw new RangeError(
    `Secrets of the ${purpose}: expected at least ${minSecretBytes} bytes in secret ${index + 1}, got ${bytes.length}.`,
  );
}

function refused(reason: SealFault): Opened {
  return { ok: false, reason };
}
