import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeal, maxSealedLength, type SealFault } from '../src/seal.ts';

const secret = 's'.repeat(32);
const olderSecret = 'o'.repeat(32);
const purpose = 'cursor';
const codec = createSeal({ purpose, secrets: [secret] });
const scope = '["Query.things",{"kind":"A"},"NAME_ASC"]';
const maxPositionBytes = 751;

const texts = fc.string({ unit: 'grapheme', maxLength: 60 });
const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];

/** A sealed text made by hand after the documented format, so that open() is not only tested with what seal() made. */
function handMade(
  position: string | Uint8Array,
  { version = 1, key = secret, at = scope, macBytes = 16, purpose = 'cursor' } = {},
): string {
  const bytes = Buffer.from(position as string); // as: Buffer.from takes both
  const mac = createHmac('sha256', key)
    .update(`${purpose} ${version} ${Buffer.byteLength(at)}:${at}`)
    .update(bytes)
    .digest();
  return Buffer.concat([Buffer.of(version), mac.subarray(0, macBytes), bytes]).toString('base64url');
}

function expectRefused(cursor: string, reason?: SealFault, at = scope): void {
  expect(codec.open(at, cursor)).toEqual({ ok: false, reason: reason ?? expect.any(String) });
}

describe('createSeal()', () => {
  it.each([32, 33])('accepts a secret of %d bytes', (length) => {
    expect(() => createSeal({ purpose, secrets: ['x'.repeat(length)] })).not.toThrow();
  });

  it('counts bytes, not characters, when a secret is not ASCII', () => {
    expect(() => createSeal({ purpose, secrets: ['é'.repeat(16)] })).not.toThrow();
  });

  it('throws without showing the secret when one is too short', () => {
    expect(() => createSeal({ purpose, secrets: [secret, 'x'.repeat(31)] })).toThrow(
      new RangeError('Secrets of the cursor: expected at least 32 bytes in secret 2, got 31.'),
    );
  });

  it('throws when there is no secret', () => {
    expect(() => createSeal({ purpose, secrets: [] })).toThrow('expected at least one, got none');
  });
});

describe('Seal.seal()', () => {
  it('makes the documented format', () => {
    expect(codec.seal(scope, '42|ü')).toBe(handMade('42|ü'));
  });

  it('is read by open() when scope and position are anything', () => {
    fc.assert(
      fc.property(texts, texts, (anyScope, position) => {
        expect(codec.open(anyScope, codec.seal(anyScope, position))).toEqual({ ok: true, text: position });
      }),
    );
  });

  it.each([maxPositionBytes - 1, maxPositionBytes])('accepts a position of %d bytes', (bytes) => {
    const position = 'p'.repeat(bytes);
    const cursor = codec.seal(scope, position);
    expect(cursor.length).toBeLessThanOrEqual(maxSealedLength);
    expect(codec.open(scope, cursor)).toEqual({ ok: true, text: position });
  });

  it('throws when a position is above 751 bytes', () => {
    expect(() => codec.seal(scope, 'p'.repeat(maxPositionBytes + 1))).toThrow(
      'expected well-formed text of at most 751 bytes, got 752 bytes',
    );
  });

  it('throws when a position would not come back as it was', () => {
    expect(() => codec.seal(scope, 'a\ud800')).toThrow('well-formed');
  });
});

describe('Seal.open()', () => {
  it('reads a hand-made cursor when it follows the format', () => {
    expect(codec.open(scope, handMade('42'))).toEqual({ ok: true, text: '42' });
    expect(codec.open(scope, handMade(''))).toEqual({ ok: true, text: '' });
  });

  it('refuses when any character is another', () => {
    const anyFlip = fc.tuple(texts, fc.nat(), fc.constantFrom(...alphabet, '=', '+', '/', ' ', '\0', 'é'));
    fc.assert(
      fc.property(anyFlip, ([position, at, character]) => {
        const cursor = codec.seal(scope, position);
        const index = at % cursor.length;
        fc.pre(cursor[index] !== character);
        expectRefused(cursor.slice(0, index) + character + cursor.slice(index + 1));
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses every single-character change of one cursor', () => {
    const cursor = codec.seal(scope, '1234567');
    for (let index = 0; index < cursor.length; index += 1) {
      for (const character of alphabet) {
        if (character === cursor[index]) continue;
        expectRefused(cursor.slice(0, index) + character + cursor.slice(index + 1));
      }
    }
  });

  it('refuses every truncation and any extension', () => {
    const cursor = codec.seal(scope, '1234567');
    for (let length = 0; length < cursor.length; length += 1) expectRefused(cursor.slice(0, length));
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet, '='), minLength: 1 }), (more) =>
        expectRefused(cursor + more),
      ),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1 }), (more) =>
        expectRefused(more + cursor),
      ),
    );
  });

  it('refuses when the scope is another', () => {
    fc.assert(
      fc.property(texts, texts, texts, (mine, theirs, position) => {
        fc.pre(mine !== theirs);
        expectRefused(codec.seal(mine, position), 'mac', theirs);
      }),
    );
  });

  it('refuses when part of the scope was moved into the position', () => {
    expectRefused(codec.seal('ab', 'c'), 'mac', 'a');
    expectRefused(handMade('bc', { at: 'a' }), 'mac', 'ab');
    expect(codec.open('a', handMade('bc', { at: 'a' }))).toMatchObject({ ok: true });
  });

  it.each([
    ['empty', '', 'length'],
    ['a bare number', '42', 'encoding'],
    ['a row id', 'NDI', 'length'],
    ['the position without a MAC', Buffer.from('1:42').toString('base64url'), 'length'],
    [
      'an offset cursor of another library',
      Buffer.from('arrayconnection:5').toString('base64url'),
      'version',
    ],
    ['16 bytes', Buffer.alloc(16, 1).toString('base64url'), 'length'],
    ['17 bytes with no genuine MAC', Buffer.alloc(17, 1).toString('base64url'), 'mac'],
    ['18 bytes with no genuine MAC', Buffer.alloc(18, 1).toString('base64url'), 'mac'],
    ['of version 0', handMade('42', { version: 0 }), 'version'],
    ['of version 2', handMade('42', { version: 2 }), 'version'],
    ['signed by a stranger', handMade('42', { key: 'e'.repeat(32) }), 'mac'],
    ['signed with an empty key', handMade('42', { key: '' }), 'mac'],
    ['sealed for another purpose', handMade('42', { purpose: 'other' }), 'mac'],
    ['short of one MAC byte', handMade('42', { macBytes: 15 }), 'mac'],
    ['with one MAC byte more', handMade('42', { macBytes: 17 }), 'mac'],
    ['padded', `${handMade('42')}=`, 'encoding'],
    ['followed by a line break', `${handMade('42')}\n`, 'encoding'],
    ['preceded by a space', ` ${handMade('42')}`, 'encoding'],
    ['in the other base64 alphabet', Buffer.alloc(20, 0xff).toString('base64'), 'encoding'],
    ['percent-encoded', '%41%41', 'encoding'],
    ['beyond ASCII', 'é'.repeat(30), 'encoding'],
    ['a lone surrogate', '\ud800', 'encoding'],
  ] as const)('refuses a cursor that is %s', (_what, cursor, reason) => {
    expectRefused(cursor, reason);
  });

  it.each([
    [maxSealedLength, true],
    [maxSealedLength + 1, false],
  ])('looks at a cursor of %d characters: %s', (length, looked) => {
    const reason = codec.open(scope, 'A'.repeat(length));
    expect(reason).toEqual({ ok: false, reason: looked ? 'version' : 'length' });
  });

  it('refuses and never throws when the cursor is any text', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.base64String(),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from([1, ...bytes]).toString('base64url')),
    );
    fc.assert(
      fc.property(anyText, (text) => expectRefused(text)),
      { numRuns: 2000 },
    );
  });

  it('reads cursors of every secret but signs with the first when secrets rotate', () => {
    const before = createSeal({ purpose, secrets: [olderSecret] });
    const during = createSeal({ purpose, secrets: [secret, olderSecret] });
    const old = before.seal(scope, '42');
    expect(during.open(scope, old)).toEqual({ ok: true, text: '42' });
    expect(during.seal(scope, '42')).toBe(codec.seal(scope, '42'));
    expectRefused(old, 'mac');
  });
});
