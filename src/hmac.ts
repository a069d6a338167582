import { hash } from 'node:crypto';

/** Block and digest of SHA-256, in bytes. */
const blockBytes = 64;
const digestBytes = 32;

/** The 32 bytes of authentication for a text (as UTF-8) and the bytes behind it. */
export type HmacSha256 = (head: string, tail: Uint8Array) => Buffer;

/**
 * HMAC-SHA-256 with one key (RFC 2104, section 2), for short messages in great number: two digests in one call each over
 * a key that is padded once, where `createHmac` sets up a context for every message (2.5 us against 1.1 for 100 bytes).
 */
export function createHmacSha256(key: Uint8Array): HmacSha256 {
  const block = Buffer.alloc(blockBytes);
  block.set(key.length > blockBytes ? hash('sha256', key, 'buffer') : key);
  const innerPad = block.map((byte) => byte ^ 0x36);
  const outerPad = block.map((byte) => byte ^ 0x5c);
  return (head, tail) => {
    const tailAt = blockBytes + Buffer.byteLength(head, 'utf8');
    const inner = Buffer.allocUnsafe(tailAt + tail.length);
    inner.set(innerPad);
    inner.write(head, blockBytes, 'utf8');
    inner.set(tail, tailAt);
    const outer = Buffer.allocUnsafe(blockBytes + digestBytes);
    outer.set(outerPad);
    // As text of one byte per letter: a digest that is given as a Buffer costs three times as much.
    outer.write(hash('sha256', inner, 'latin1'), blockBytes, 'latin1');
    return Buffer.from(hash('sha256', outer, 'latin1'), 'latin1');
  };
}
