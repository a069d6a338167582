import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasRepeatedMembers } from '../../src/identity/repeated-members.ts';

const repeats = (json: string) => hasRepeatedMembers(json, JSON.parse(json));

describe('hasRepeatedMembers()', () => {
  it.each([
    '{}',
    '[]',
    '1',
    '""',
    '{"a":1,"b":2}',
    '[{"a":1},{"a":1}]',
    '{"a":{"a":":"}}',
    '{"a:b":"c\\":d","\\\\":":"}',
  ])('is false of %s', (json) => {
    expect(repeats(json)).toBe(false);
  });

  it.each([
    '{"a":1,"a":1}',
    '{ "a" : 1 , "b" : 2 , "a" : 3 }',
    '{"a":1,"\\u0061":1}',
    '{"x":[{"a":1,"a":2}]}',
    '{"__proto__":1,"__proto__":2}',
    '{"1":1,"1":2}',
    '{"":1,"":2}',
    '{"a":{"b":1},"a":{"b":1}}',
  ])('is true of %s', (json) => {
    expect(repeats(json)).toBe(true);
  });

  it('is false of all that JSON.stringify writes, however it is laid out', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        expect(repeats(JSON.stringify(value, null, indent))).toBe(false);
      }),
    );
  });

  it('is true when any member of any object is written once more', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, maxKeys: 4 }),
        fc.nat(),
        (object, pick) => {
          const entries = Object.entries(object);
          const entry = entries[pick % entries.length];
          const extra = `${JSON.stringify(entry?.[0])}:${JSON.stringify(entry?.[1])}`;
          expect(repeats(`{${extra},${JSON.stringify(object).slice(1)}`)).toBe(true);
        },
      ),
    );
  });
});
