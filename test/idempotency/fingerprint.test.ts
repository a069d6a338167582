import { describe, expect, it } from 'vitest';
import { type Asked, fingerprintOf, recordIdOf } from '../../src/idempotency/fingerprint.ts';

const key = 'key-0123456789ab';
const asked: Asked = {
  variant: 'web',
  document: 'mutation ($input: Input!) { change(input: $input) { id } }',
  operationName: undefined,
  variables: { input: { a: 1, b: [1n, 'x'], idempotencyKey: key } },
  owner: ['tenant', 'user', 'user-1'],
  key,
};
const fingerprint = fingerprintOf(asked);

describe('fingerprintOf()', () => {
  it.each<[string, Partial<Asked>]>([
    ['members come in another order', { variables: { input: { idempotencyKey: key, b: [1n, 'x'], a: 1 } } }],
    ['the key is elsewhere', { variables: { input: { a: 1, b: [1n, 'x'] } } }],
    ['a member is undefined', { variables: { input: { a: 1, b: [1n, 'x'], c: undefined } } }],
    ['the name of the operation is null', { operationName: null }],
  ])('is the same when %s', (_what, change) => {
    expect(fingerprintOf({ ...asked, ...change })).toBe(fingerprint);
  });

  it.each<[string, Partial<Asked>]>([
    ['the variant', { variant: 'mobile' }],
    ['the document', { document: `${asked.document} ` }],
    ['the operation', { operationName: 'Other' }],
    ['the owner', { owner: ['tenant', 'user', 'user-2'] }],
    ['a value', { variables: { input: { a: 2, b: [1n, 'x'] } } }],
    ['a type', { variables: { input: { a: '1', b: [1n, 'x'] } } }],
    ['a list', { variables: { input: { a: 1, b: ['x', 1n] } } }],
    [
      'a member of that name that is not the key',
      { variables: { input: { a: 1, b: [1n, 'x'], idempotencyKey: 'x' } } },
    ],
  ])('differs when %s differs', (_what, change) => {
    expect(fingerprintOf({ ...asked, ...change })).not.toBe(fingerprint);
  });

  it('tells values of scalars apart by class and content', () => {
    class Point {
      readonly x: number;
      constructor(x: number) {
        this.x = x;
      }
    }
    const values = [
      new Date(0),
      new Date(1),
      new Date(0).toJSON(),
      new URL('http://a/'),
      new Point(1),
      new Point(2),
      { x: 1 },
    ];
    const prints = values.map((value) => fingerprintOf({ ...asked, variables: { value } }));
    expect(new Set(prints).size).toBe(values.length);
    expect(fingerprintOf({ ...asked, variables: { value: new Date(0) } })).toBe(prints[0]);
  });

  it('throws when a value shows nothing of itself', () => {
    expect(() => fingerprintOf({ ...asked, variables: { value: new Map([[1, 2]]) } })).toThrow(/Map/);
  });
});

describe('recordIdOf()', () => {
  it('has another record for each owner and each key, and no key in it', () => {
    const ids = [
      asked,
      { owner: ['tenant', 'user', 'user-2'], key },
      { owner: ['tenant', 'user', null], key },
      { owner: asked.owner, key: `${key}c` },
    ].map(recordIdOf);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{64}$/);
  });
});
