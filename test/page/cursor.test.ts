import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors.ts';
import {
  assertCursor,
  type CursorFault,
  createCursorCodec,
  cursorScope,
  maxCursorLength,
} from '../../src/page/cursor.ts';

const secret = 's'.repeat(32);
const olderSecret = 'o'.repeat(32);
const codec = createCursorCodec({ secrets: [secret] });
const scope = cursorScope('Query.things', { kind: 'A' }, 'NAME_ASC');
const maxPositionBytes = 751;

const texts = fc.string({ unit: 'grapheme', maxLength: 60 });
const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];

/** A cursor made by hand after the documented format, so that decode() is not only tested with what encode() made. */
function handMade(
  position: string | Uint8Array,
  { version = 1, key = secret, at = scope, macBytes = 16 } = {},
): string {
  const bytes = Buffer.from(position as string); // as: Buffer.from takes both
  const mac = createHmac('sha256', key)
    .update(Buffer.of(version))
    .update(`${Buffer.byteLength(at)}:${at}`)
    .update(bytes)
    .digest();
  return Buffer.concat([Buffer.of(version), mac.subarray(0, macBytes), bytes]).toString('base64url');
}

function expectRefused(cursor: string, reason?: CursorFault, at = scope): void {
  expect(codec.decode(at, cursor)).toEqual({ ok: false, reason: reason ?? expect.any(String) });
}

describe('createCursorCodec()', () => {
  it.each([32, 33])('accepts a secret of %d bytes', (length) => {
    expect(() => createCursorCodec({ secrets: ['x'.repeat(length)] })).not.toThrow();
  });

  it('counts bytes, not characters, when a secret is not ASCII', () => {
    expect(() => createCursorCodec({ secrets: ['é'.repeat(16)] })).not.toThrow();
  });

  it('throws without showing the secret when one is too short', () => {
    expect(() => createCursorCodec({ secrets: [secret, 'x'.repeat(31)] })).toThrow(
      new RangeError('Cursor secrets: expected at least 32 bytes in secret 2, got 31.'),
    );
  });

  it('throws when there is no secret', () => {
    expect(() => createCursorCodec({ secrets: [] })).toThrow('expected at least one, got none');
  });
});

describe('CursorCodec.encode()', () => {
  it('makes the documented format', () => {
    expect(codec.encode(scope, '42|ü')).toBe(handMade('42|ü'));
  });

  it('is read by decode() when scope and position are anything', () => {
    fc.assert(
      fc.property(texts, texts, (anyScope, position) => {
        expect(codec.decode(anyScope, codec.encode(anyScope, position))).toEqual({ ok: true, position });
      }),
    );
  });

  it.each([maxPositionBytes - 1, maxPositionBytes])('accepts a position of %d bytes', (bytes) => {
    const position = 'p'.repeat(bytes);
    const cursor = codec.encode(scope, position);
    expect(cursor.length).toBeLessThanOrEqual(maxCursorLength);
    expect(codec.decode(scope, cursor)).toEqual({ ok: true, position });
  });

  it('throws when a position is above 751 bytes', () => {
    expect(() => codec.encode(scope, 'p'.repeat(maxPositionBytes + 1))).toThrow(
      'expected well-formed text of at most 751 bytes, got 752 bytes',
    );
  });

  it('throws when a position would not come back as it was', () => {
    expect(() => codec.encode(scope, 'a\ud800')).toThrow('well-formed');
  });
});

describe('CursorCodec.decode()', () => {
  it('reads a hand-made cursor when it follows the format', () => {
    expect(codec.decode(scope, handMade('42'))).toEqual({ ok: true, position: '42' });
    expect(codec.decode(scope, handMade(''))).toEqual({ ok: true, position: '' });
  });

  it('refuses when any character is another', () => {
    const anyFlip = fc.tuple(texts, fc.nat(), fc.constantFrom(...alphabet, '=', '+', '/', ' ', '\0', 'é'));
    fc.assert(
      fc.property(anyFlip, ([position, at, character]) => {
        const cursor = codec.encode(scope, position);
        const index = at % cursor.length;
        fc.pre(cursor[index] !== character);
        expectRefused(cursor.slice(0, index) + character + cursor.slice(index + 1));
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses every single-character change of one cursor', () => {
    const cursor = codec.encode(scope, '1234567');
    for (let index = 0; index < cursor.length; index += 1) {
      for (const character of alphabet) {
        if (character === cursor[index]) continue;
        expectRefused(cursor.slice(0, index) + character + cursor.slice(index + 1));
      }
    }
  });

  it('refuses every truncation and any extension', () => {
    const cursor = codec.encode(scope, '1234567');
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
        expectRefused(codec.encode(mine, position), 'mac', theirs);
      }),
    );
  });

  it('refuses when part of the scope was moved into the position', () => {
    expectRefused(codec.encode('ab', 'c'), 'mac', 'a');
    expectRefused(handMade('bc', { at: 'a' }), 'mac', 'ab');
    expect(codec.decode('a', handMade('bc', { at: 'a' }))).toMatchObject({ ok: true });
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
    [maxCursorLength, true],
    [maxCursorLength + 1, false],
  ])('looks at a cursor of %d characters: %s', (length, looked) => {
    const reason = codec.decode(scope, 'A'.repeat(length));
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
    const before = createCursorCodec({ secrets: [olderSecret] });
    const during = createCursorCodec({ secrets: [secret, olderSecret] });
    const old = before.encode(scope, '42');
    expect(during.decode(scope, old)).toEqual({ ok: true, position: '42' });
    expect(during.encode(scope, '42')).toBe(codec.encode(scope, '42'));
    expectRefused(old, 'mac');
  });
});

describe('cursorScope()', () => {
  it('is equal when only the order of filter members or absent members differ', () => {
    expect(cursorScope('F', { a: 1, b: { d: 2, c: 3 } }, 'O')).toBe(
      cursorScope('F', { b: { c: 3, d: 2 }, a: 1, e: undefined }, 'O'),
    );
    expect(cursorScope('F', undefined, 'O')).toBe(cursorScope('F', null, 'O'));
  });

  it.each([
    ['field', cursorScope('G', { a: 1 }, 'O')],
    ['order', cursorScope('F', { a: 1 }, 'P')],
    ['value', cursorScope('F', { a: 2 }, 'O')],
    ['type', cursorScope('F', { a: '1' }, 'O')],
    ['integer width', cursorScope('F', { a: 1n }, 'O')],
    ['member', cursorScope('F', { b: 1 }, 'O')],
    ['list', cursorScope('F', { a: [1] }, 'O')],
    ['filter', cursorScope('F', {}, 'O')],
  ])('differs when the %s differs', (_what, other) => {
    expect(cursorScope('F', { a: 1 }, 'O')).not.toBe(other);
  });

  it('keeps the order of lists and 64-bit integers beyond 2^53', () => {
    expect(cursorScope('F', [1, 2], 'O')).not.toBe(cursorScope('F', [2, 1], 'O'));
    expect(cursorScope('F', 9007199254740993n, 'O')).not.toBe(cursorScope('F', 9007199254740992n, 'O'));
  });
});

describe('assertCursor()', () => {
  it('gives the position when the cursor is good', () => {
    expect(assertCursor(codec, scope, handMade('42'), 'after')).toBe('42');
  });

  it('throws INVALID_CURSOR with what was expected, what came and where', () => {
    expect(() => assertCursor(codec, scope, '42', 'before')).toThrow(
      expect.objectContaining({
        code: 'INVALID_CURSOR',
        message:
          'Argument "before": expected a cursor that this field gave for the same filter and order, got "42" (2 characters). ' +
          'Take it from "cursor", "startCursor" or "endCursor" of such an answer, or leave it out.',
        extensions: { argument: 'before' },
        cause: 'encoding',
      }),
    );
  });

  it('says the same whatever the fault, and keeps it as the cause', () => {
    const cursors = [handMade('42', { version: 2 }), handMade('42', { key: 'e'.repeat(32) })];
    const errors = cursors.map((cursor) => {
      try {
        return assertCursor(codec, scope, cursor, 'after');
      } catch (thrown) {
        return WeirError.from(thrown);
      }
    });
    expect(errors).toMatchObject([{ cause: 'version' }, { cause: 'mac' }]);
    const [one, two] = errors.map((error, index) =>
      String(error).replace(`${cursors[index]?.slice(0, 24)}`, ''),
    );
    expect(one).toBe(two);
  });

  it('shows only the start when the cursor is long', () => {
    expect(() => assertCursor(codec, scope, 'x'.repeat(5000), 'after')).toThrow(
      `got "${'x'.repeat(24)}…" (5000 characters)`,
    );
  });
});
