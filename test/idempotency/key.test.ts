import { describe, expect, it } from 'vitest';
import { type KeySources, keyFrom } from '../../src/idempotency/key.ts';

const key = 'key-0123456789ab';
const none: KeySources = { header: undefined, extension: undefined, inputs: [] };

const refusal = expect.objectContaining({ code: 'IDEMPOTENCY_KEY_INVALID' });

describe('keyFrom()', () => {
  it('gives nothing when no place has a key, null included', () => {
    expect(keyFrom(none)).toBeUndefined();
    expect(keyFrom({ header: undefined, extension: null, inputs: [null, undefined] })).toBeUndefined();
  });

  it.each([
    ['the header, bare', { ...none, header: key }],
    ['the header, quoted', { ...none, header: `"${key}"` }],
    ['the extensions', { ...none, extension: key }],
    ['an input', { ...none, inputs: [undefined, key] }],
    ['all of them', { header: `"${key}"`, extension: key, inputs: [key, key] }],
  ])('gives the key of %s', (_place, sources) => {
    expect(keyFrom(sources)).toBe(key);
  });

  it('reads the escapes of a quoted text', () => {
    expect(keyFrom({ ...none, header: String.raw`"a\"b\\c-0123456789"` })).toBe(String.raw`a"b\c-0123456789`);
  });

  it.each([
    [15, false],
    [16, true],
    [255, true],
    [256, false],
  ])('of %i characters: accepted is %s', (length, accepted) => {
    const read = () => keyFrom({ ...none, header: 'k'.repeat(length) });
    if (accepted) expect(read()).toHaveLength(length);
    else expect(read).toThrow(refusal);
  });

  it.each([
    ['', 'empty'],
    ['""', 'empty within quotes'],
    ['key 0123456789 abc', 'with spaces'],
    ['"key 0123456789 abc"', 'with spaces within quotes'],
    ['schlüssel-0123456789', 'not ASCII'],
    ['key-0123456789ab\t', 'with a tab'],
    [`"${key}`, 'with a quote that does not end'],
    [`"${key}";a=1`, 'with parameters'],
    [`${key}, other-0123456789`, 'of two headers'],
    [`"${key}", "${key}"`, 'of two headers with the same'],
    [String.raw`"a\bc-0123456789ab"`, 'with an unknown escape'],
  ])('122: refuses the header %j: %s', (header) => {
    expect(() => keyFrom({ ...none, header })).toThrow(refusal);
  });

  it.each([7, true, [key], { key }, ''])('refuses %j in the extensions and in an input', (value) => {
    expect(() => keyFrom({ ...none, extension: value })).toThrow(refusal);
    expect(() => keyFrom({ ...none, inputs: [value] })).toThrow(refusal);
  });

  it('refuses keys that differ, wherever they are', () => {
    const other = 'other-0123456789';
    expect(() => keyFrom({ header: key, extension: other, inputs: [] })).toThrow(refusal);
    expect(() => keyFrom({ header: key, extension: undefined, inputs: [other] })).toThrow(refusal);
    expect(() => keyFrom({ ...none, inputs: [key, other] })).toThrow(/one key for the whole operation/);
  });

  it('118: never says the key in a refusal', () => {
    expect(() => keyFrom({ ...none, header: 'very secret' })).not.toThrow(/secret/);
  });
});
