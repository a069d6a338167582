import { describe, expect, it } from 'vitest';
import { assertResumeCursor, createResumeCursorCodec } from '../../src/realtime/cursor.ts';
import { maxSealedLength } from '../../src/seal.ts';

const [secret, newSecret] = ['s'.repeat(32), 'n'.repeat(32)];
const codec = createResumeCursorCodec({ secrets: [secret], variant: 'web' });
const scope = { topic: { key: 'changed:17' }, audienceKey: 'viewer:1' };
const position = { epoch: 'q3_-Zk.1', offset: 42 };

describe('createResumeCursorCodec()', () => {
  it.each([0, 1, Number.MAX_SAFE_INTEGER])(
    'parse() gives back what encode() was given: offset %d',
    (offset) => {
      const cursor = codec.encode(scope, { ...position, offset });
      expect(cursor).toMatch(/^[\w-]+$/);
      expect(codec.parse(scope, cursor)).toEqual({ ok: true, position: { ...position, offset } });
    },
  );

  it.each([
    ['another topic', { ...scope, topic: { key: 'changed:18' } }],
    ['another audience', { ...scope, audienceKey: 'viewer:2' }],
    ['a topic and an audience that read alike', { topic: { key: 'changed:17","viewer:1' }, audienceKey: '' }],
  ])('parse() refuses the cursor of %s', (_, other) => {
    expect(codec.parse(other, codec.encode(scope, position))).toEqual({ ok: false, reason: 'mac' });
  });

  it('parse() refuses the cursor of another variant', () => {
    const other = createResumeCursorCodec({ secrets: [secret], variant: 'mobile' });
    expect(other.parse(scope, codec.encode(scope, position))).toEqual({ ok: false, reason: 'mac' });
  });

  it('parse() refuses a cursor of which any one bit was changed', () => {
    const bytes = Buffer.from(codec.encode(scope, position), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(codec.parse(scope, changed.toString('base64url')).ok).toBe(false);
    }
  });

  it.each([
    ['nothing', '', 'length'],
    ['a short text', 'AQ', 'length'],
    ['what is not base64url', '*'.repeat(40), 'encoding'],
    ['another version', Buffer.alloc(30, 2).toString('base64url'), 'version'],
    ['1,025 characters', 'A'.repeat(1025), 'length'],
  ])('parse() refuses %s', (_, cursor, reason) => {
    expect(codec.parse(scope, cursor)).toEqual({ ok: false, reason });
  });

  it('encode() makes cursors of at most 1,024 characters', () => {
    const longest = { epoch: 'e'.repeat(748), offset: 1 };
    expect(codec.encode(scope, { ...longest, epoch: 'e'.repeat(749) })).toHaveLength(maxSealedLength);
    expect(codec.encode(scope, longest).length).toBeLessThan(maxSealedLength);
    expect(() => codec.encode(scope, { ...longest, epoch: 'e'.repeat(750) })).toThrow(RangeError);
  });

  it('accepts cursors of an old secret while it is listed, and signs with the first', () => {
    const rotated = createResumeCursorCodec({ secrets: [newSecret, secret], variant: 'web' });
    const retired = createResumeCursorCodec({ secrets: [newSecret], variant: 'web' });
    const old = codec.encode(scope, position);
    expect(rotated.parse(scope, old).ok).toBe(true);
    expect(retired.parse(scope, old).ok).toBe(false);
    expect(retired.parse(scope, rotated.encode(scope, position)).ok).toBe(true);
  });

  it.each([[[]], [['x'.repeat(31)]], [[secret, 'short']]])('refuses the secrets %j', (secrets) => {
    expect(() => createResumeCursorCodec({ secrets, variant: 'web' })).toThrow(RangeError);
  });
});

describe('assertResumeCursor()', () => {
  it('gives the position, or refuses with one message whatever the fault', () => {
    const cursor = codec.encode(scope, position);
    expect(assertResumeCursor(codec, scope, cursor)).toEqual(position);
    const other = { ...scope, audienceKey: 'viewer:2' };
    expect(() => assertResumeCursor(codec, other, cursor)).toThrow(
      expect.objectContaining({ code: 'INVALID_CURSOR', cause: 'mac' }),
    );
  });
});
