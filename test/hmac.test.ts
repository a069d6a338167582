import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHmacSha256 } from '../src/hmac.ts';

describe('createHmacSha256()', () => {
  it.each([
    // RFC 4231, test cases 1, 2 and 6: a short key, a shorter one, and one longer than a block.
    [Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      Buffer.from('Jefe'),
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      Buffer.alloc(131, 0xaa),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('gives the values of RFC 4231', (key, message, expected) => {
    const sign = createHmacSha256(key);
    expect(sign(message, Buffer.alloc(0)).toString('hex')).toBe(expected);
    expect(sign('', Buffer.from(message)).toString('hex')).toBe(expected);
  });

  it('gives what node:crypto gives for any key and message', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 130 }),
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.uint8Array({ maxLength: 300 }),
        (key, head, tail) => {
          const expected = createHmac('sha256', key).update(head, 'utf8').update(tail).digest('hex');
          expect(createHmacSha256(key)(head, tail).toString('hex')).toBe(expected);
        },
      ),
    );
  });
});
