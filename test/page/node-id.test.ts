import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertNodeId, encodeNodeId, maxNodeIdLength, parseNodeId } from '../../src/page/node-id.ts';

const base64url = (text: string | Uint8Array) => Buffer.from(text as string).toString('base64url'); // as: Buffer.from takes both
const typenames = fc.stringMatching(/^[_A-Za-z][_0-9A-Za-z]{0,20}$/);
const ids = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });

/** Longest id of a `Thing` whose global id still fits: 256 characters hold 192 bytes. */
const longestId = 'x'.repeat(192 - 'Thing:'.length);

describe('encodeNodeId()', () => {
  it('gives base64url of the type name and the id', () => {
    expect(encodeNodeId('Thing', '7')).toBe('VGhpbmc6Nw');
  });

  it('gives what parseNodeId() reads when names and ids are anything', () => {
    fc.assert(
      fc.property(typenames, ids, (typename, id) => {
        expect(parseNodeId(encodeNodeId(typename, id))).toEqual({ ok: true, typename, id });
      }),
    );
  });

  it('makes exactly 256 characters when the id is the longest', () => {
    expect(encodeNodeId('Thing', longestId)).toHaveLength(maxNodeIdLength);
    expect(encodeNodeId('Thing', longestId.slice(1)).length).toBeLessThan(maxNodeIdLength);
  });

  it.each([
    ['the id is empty', 'Thing', ''],
    ['the id is too long', 'Thing', `${longestId}x`],
    ['the id is not well formed', 'Thing', '\ud800'],
    ['the type name is empty', '', '7'],
    ['the type name is not a Name', 'A-B', '7'],
    ['the type name has a colon', 'A:B', '7'],
    ['the type name has a colon and the id is empty', 'A:B', ''],
  ])('throws when %s', (_when, typename, id) => {
    expect(() => encodeNodeId(typename, id)).toThrow(RangeError);
  });
});

describe('parseNodeId()', () => {
  it('splits at the first colon when the id has colons', () => {
    expect(parseNodeId(base64url('Thing:a:b:'))).toEqual({ ok: true, typename: 'Thing', id: 'a:b:' });
  });

  it.each([
    ['is empty', ''],
    ['is plain text', 'Thing:7'],
    ['is the bare key of a row', '7'],
    ['has no colon', base64url('Thing')],
    ['has no id', base64url('Thing:')],
    ['has no type name', base64url(':7')],
    ['has a type name that is not a Name', base64url('7hing:7')],
    ['has a type name with a space', base64url('Thing :7')],
    ['has padding', `${base64url('Thing:7')}==`],
    ['has spare bits set', 'VGhpbmc6Nx'],
    ['uses the other base64 alphabet', Buffer.from('Thing:???>>>').toString('base64')],
    ['has a line break', 'VGhp\nbmc6Nw'],
    ['has a space at its end', 'VGhpbmc6Nw '],
    ['has one character too many', 'VGhpbmc6N'],
    ['is not UTF-8', base64url(Uint8Array.of(0x41, 0x3a, 0xff))],
    ['is overlong UTF-8', base64url(Uint8Array.of(0x41, 0x3a, 0xc0, 0xaf))],
    ['is too long by one', base64url(`Thing:${longestId}x`)],
    ['is huge', 'A'.repeat(1_000_000)],
  ])('refuses when the text %s', (_when, nodeId) => {
    expect(parseNodeId(nodeId)).toMatchObject({
      ok: false,
      error: {
        code: 'BAD_USER_INPUT',
        message: expect.stringMatching(/^Expected a global id .* got .{1,280}\. Use/s),
      },
    });
  });

  it('accepts an id of exactly 256 characters', () => {
    expect(parseNodeId(base64url(`Thing:${longestId}`))).toMatchObject({ ok: true, id: longestId });
  });

  it('accepts only what encodeNodeId() makes when the text is anything', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.base64String({ maxLength: 40 }),
      fc.string({ maxLength: 30 }).map((text) => base64url(text)),
      fc
        .tuple(fc.constantFrom('A', '_b', '', '9'), fc.string({ maxLength: 9 }))
        .map((parts) => base64url(parts.join(':'))),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseNodeId(text);
        if (parsed.ok) expect(encodeNodeId(parsed.typename, parsed.id)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('assertNodeId()', () => {
  it('gives the id when the type is the expected one', () => {
    expect(assertNodeId(base64url('Thing:7'), 'Thing')).toBe('7');
  });

  it('throws and names both types when the type is another', () => {
    expect(() => assertNodeId(base64url('Other:7'), 'Thing')).toThrow(
      expect.objectContaining({
        code: 'BAD_USER_INPUT',
        message: 'Expected an id of Thing, got an id of Other. Use the "id" of a Thing.',
      }),
    );
  });

  it('throws when the text is no global id', () => {
    expect(() => assertNodeId('7', 'Thing')).toThrow(
      'Expected a global id of at most 256 characters, got "7".',
    );
  });
});
