import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterFromKey, keyFromFilter, parseRevocationFilter } from '../../src/identity/revocation.ts';

const none = { subject: null, tenant: null, client: null };

describe('parseRevocationFilter()', () => {
  it.each([
    [{ subject: 'user-1' }, { ...none, subject: 'user-1' }],
    [
      { tenant: 'north', client: null },
      { ...none, tenant: 'north' },
    ],
    [
      { subject: 'ü \u{1f600}', tenant: 't', client: 'c' },
      { subject: 'ü \u{1f600}', tenant: 't', client: 'c' },
    ],
    [{ client: 'x'.repeat(512) }, { ...none, client: 'x'.repeat(512) }],
  ])('takes %j', (value, filter) => {
    expect(parseRevocationFilter(value)).toEqual({ ok: true, filter });
  });

  it.each([
    [undefined, /a JSON object .*"subject", "tenant", "client", got a value of type undefined/],
    [null, /got null/],
    [[{ subject: 'user-1' }], /got a list/],
    ['user-1', /got text of 6 characters/],
    [{}, /got none of them/],
    [{ subject: null }, /got none of them/],
    [{ subject: 'user-1', scope: 'a' }, /got the member "scope"/],
    [{ subject: 'user-1', atSeconds: 1 }, /got the member "atSeconds"/],
    [JSON.parse('{"__proto__":{"subject":"user-1"}}'), /got the member "__proto__"/],
    [{ subject: '' }, /^subject: expected text of 1 to 512 characters .*, got text of 0 characters/],
    [{ subject: 'x'.repeat(513) }, /^subject: .*got text of 513 characters/],
    [{ tenant: 'ü'.repeat(86) }, /^tenant: /],
    [{ tenant: 7 }, /^tenant: .*got a value of type number/],
    [{ client: 'a\nb' }, /^client: .*none of them a control character/],
    [{ client: '\ud800' }, /^client: /],
  ])('says of %j what was expected', (value, fault) => {
    const parsed = parseRevocationFilter(value);
    expect(parsed.ok || parsed.fault).toMatch(fault);
  });
});

describe('keyFromFilter()', () => {
  const name = fc.option(fc.string({ minLength: 1, maxLength: 5 }), { nil: null });
  const filters = fc
    .record({ subject: name, tenant: name, client: name })
    .filter((filter) => parseRevocationFilter(filter).ok);

  it('is read by filterFromKey(), and differs where filters do', () => {
    fc.assert(
      fc.property(filters, filters, (one, other) => {
        expect(filterFromKey(keyFromFilter(one))).toEqual(one);
        const isEqual = JSON.stringify(Object.entries(one)) === JSON.stringify(Object.entries(other));
        expect(keyFromFilter(one) === keyFromFilter(other)).toBe(isEqual);
      }),
    );
  });

  it.each(['', 'user-1', '\n\n', 'a\nb', 'a\n\n\n', 'a\tb\n\n'])(
    'filterFromKey() is undefined for %j',
    (key) => {
      expect(filterFromKey(key)).toBeUndefined();
    },
  );
});
