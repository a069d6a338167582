import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors.ts';
import { assertCursor, cursorScope } from '../../src/page/cursor.ts';
import { createSeal } from '../../src/seal.ts';

const cursors = createSeal({ purpose: 'cursor', secrets: ['s'.repeat(32)] });
const strangers = createSeal({ purpose: 'cursor', secrets: ['e'.repeat(32)] });
const scope = cursorScope('Query.things', { kind: 'A' }, 'NAME_ASC');

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
    expect(assertCursor(cursors, scope, cursors.seal(scope, '42'), 'after')).toBe('42');
  });

  it('throws INVALID_CURSOR with what was expected, what came and where', () => {
    expect(() => assertCursor(cursors, scope, '42', 'before')).toThrow(
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
    const refused = [Buffer.alloc(19, 2).toString('base64url'), strangers.seal(scope, '42')];
    const errors = refused.map((cursor) => {
      try {
        return assertCursor(cursors, scope, cursor, 'after');
      } catch (thrown) {
        return WeirError.from(thrown);
      }
    });
    expect(errors).toMatchObject([{ cause: 'version' }, { cause: 'mac' }]);
    const [one, two] = errors.map((error, index) =>
      String(error).replace(`${refused[index]?.slice(0, 24)}`, ''),
    );
    expect(one).toBe(two);
  });

  it('shows only the start when the cursor is long', () => {
    expect(() => assertCursor(cursors, scope, 'x'.repeat(5000), 'after')).toThrow(
      `got "${'x'.repeat(24)}…" (5000 characters)`,
    );
  });
});
