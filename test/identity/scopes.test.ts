import { describe, expect, it } from 'vitest';
import { assertScopeName, hasScopes, isScopeToken } from '../../src/identity/scopes.ts';

describe('hasScopes()', () => {
  const principal = { scopes: new Set(['things:read', 'things:write']) };

  it.each([
    [[], true],
    [['things:read'], true],
    [['things:write', 'things:read'], true],
    [['things:read', 'others:read'], false],
    [['things:rea'], false],
    [['things:read '], false],
    [['Things:read'], false],
    [['things'], false],
    [['things:*'], false],
    [['things:read things:write'], false],
  ])('of %j is %s', (required, expected) => {
    expect(hasScopes(principal, required)).toBe(expected);
  });

  it('is true of nothing but the empty list when there are no scopes', () => {
    expect(hasScopes({ scopes: new Set() }, [])).toBe(true);
    expect(hasScopes({ scopes: new Set() }, ['things:read'])).toBe(false);
  });
});

describe('isScopeToken()', () => {
  it.each(['things:read', 'openid', 'User.Read', 'https://example.com/things', '!', 's'.repeat(128)])(
    'accepts %s',
    (text) => {
      expect(isScopeToken(text)).toBe(true);
    },
  );

  it.each(['', ' ', 'a b', 'a"b', 'a\\b', 'a\n', 'é', 's'.repeat(129)])('refuses %j', (text) => {
    expect(isScopeToken(text)).toBe(false);
  });
});

describe('assertScopeName()', () => {
  it.each(['things:read', 'things.parts:write', 'a-1:b-2', `${'a'.repeat(62)}:b`])('accepts %s', (name) => {
    expect(() => assertScopeName(name)).not.toThrow();
  });

  it.each([
    '',
    'things',
    'things:',
    ':read',
    'Things:read',
    'things:read:all',
    'a b:c',
    '1a:b',
    `${'a'.repeat(63)}:b`,
  ])('throws when the name is %j', (name) => {
    expect(() => assertScopeName(name)).toThrow(RangeError);
  });
});
