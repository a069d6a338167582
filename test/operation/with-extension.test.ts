import { describe, expect, it } from 'vitest';
import { withExtension } from '../../src/operation/with-extension.ts';

describe('withExtension()', () => {
  it.each([
    { json: '{"data":{"a":1}}', expected: { data: { a: 1 }, extensions: { cost: 2 } } },
    // Of a client's data.
    { json: '{"data":{"extensions":1}}', expected: { data: { extensions: 1 }, extensions: { cost: 2 } } },
    { json: '{"data":null,"extensions":{"a":1}}', expected: { data: null, extensions: { a: 1, cost: 2 } } },
    { json: '{"data":null,"extensions":{"cost":1}}', expected: { data: null, extensions: { cost: 2 } } },
  ])('adds a member to $json', ({ json, expected }) => {
    expect(JSON.parse(withExtension(json, 'cost', 2))).toEqual(expected);
  });

  it('adds several', () => {
    const json = withExtension(withExtension('{"data":{}}', 'cost', { actual: 1 }), 'cursor', 'a"b');
    expect(JSON.parse(json)).toEqual({ data: {}, extensions: { cost: { actual: 1 }, cursor: 'a"b' } });
  });
});
