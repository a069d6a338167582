import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Principal } from '../identity/principal.ts';

/** Tokens of the streams that may be opened: nothing is kept of them until one is. */
export interface Reservations {
  /** A token for one stream of this principal, good for {@link reservationMs}. */
  readonly issue: (principal: Principal) => string;
  /**
   * The stream that a token is for; undefined for a token that is not ours or not this principal's. `toOpen`: also for one
   * that is too old to open its stream with.
   */
  readonly streamOf: (token: string, principal: Principal, use: 'toOpen' | 'opened') => string | undefined;
}

/** Milliseconds in which a reserved stream must be opened. */
export const reservationMs = 30_000;

/** Bytes: a nonce, the wall milliseconds of the end, and the first half of an HMAC-SHA256. */
const layout = { nonce: 16, end: 6, mac: 16 } as const;
const signedBytes = layout.nonce + layout.end;
const tokenBytes = signedBytes + layout.mac;
const tokenPattern = /^[A-Za-z0-9_-]{51}$/;

/** Keeps these tokens apart from everything else that is signed with the same secrets. */
const purpose = 'weir event stream reservation 1';

/** Signs with the first of `secrets`, and takes what any of them signed. */
export function createReservations(secrets: readonly string[], clock: Clock): Reservations {
  const keys = secrets.map((secret) => createHmac('sha256', secret).update(purpose).digest());
  const macOf = (key: Buffer, signed: Buffer, { audienceKeys }: Principal) =>
    createHmac('sha256', key).update(signed).update(audienceKeys.viewer).digest().subarray(0, layout.mac);
  return {
    issue: (principal) => {
      const signed = Buffer.concat([randomBytes(layout.nonce), Buffer.alloc(layout.end)]);
      signed.writeUIntBE(Math.floor(clock.wallMs() + reservationMs), layout.nonce, layout.end);
      const [key = Buffer.alloc(0)] = keys;
      return Buffer.concat([signed, macOf(key, signed, principal)]).toString('base64url');
    },
    streamOf: (token, principal, use) => {
      const bytes = tokenPattern.test(token) ? Buffer.from(token, 'base64url') : Buffer.alloc(0);
      if (bytes.length !== tokenBytes) return undefined;
      const signed = bytes.subarray(0, signedBytes);
      const mac = bytes.subarray(signedBytes);
      if (!keys.some((key) => timingSafeEqual(macOf(key, signed, principal), mac))) return undefined;
      const endMs = signed.readUIntBE(layout.nonce, layout.end);
      if (use === 'toOpen' && endMs <= clock.wallMs()) return undefined;
      return signed.toString('base64url', 0, layout.nonce);
    },
  };
}
