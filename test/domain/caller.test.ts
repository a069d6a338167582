import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { callerFrom } from '../../upstreams/caller.ts';

function metadataOf(entries: readonly (readonly [string, string])[]): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of entries) metadata.add(key, value);
  return metadata;
}

const callerOf = (...entries: (readonly [string, string])[]) => callerFrom(metadataOf(entries));

describe('callerFrom()', () => {
  it('gives an anonymous caller without scopes when nothing was sent', () => {
    const caller = callerOf();
    expect([caller.subject, caller.scopes.size, caller.may('orders:read')]).toEqual([null, 0, false]);
  });

  it.each([
    ['user-1', 'user-1'],
    ['auth0%7C5f7c%20a', 'auth0|5f7c a'],
    ['gr%C3%BCezi%F0%9F%8C%8A', 'grüezi🌊'],
    ['a%2Cb%0D%0Ax', 'a,b\r\nx'],
  ])('decodes the subject %s', (sent, subject) => {
    expect(callerOf(['x-weir-subject', sent]).subject).toBe(subject);
  });

  it('gives exactly the scopes that were sent', () => {
    const caller = callerOf(['x-weir-subject', 'user-1'], ['x-weir-scopes', 'chat:read orders:read:all']);
    expect([...caller.scopes]).toEqual(['chat:read', 'orders:read:all']);
    expect([caller.may('chat:read'), caller.may('orders:read'), caller.may('chat:write')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each<[string, [string, string][]]>([
    ['an empty subject', [['x-weir-subject', '']]],
    ['half an escape', [['x-weir-subject', 'user%2']]],
    ['bytes that are no UTF-8', [['x-weir-subject', 'user%FF']]],
    ['a surrogate in UTF-8', [['x-weir-subject', '%ED%A0%80']]],
    ['a zero character', [['x-weir-subject', 'user%00']]],
    ['another encoding of the same subject', [['x-weir-subject', 'user%2D1']]],
    ['an escape in small letters', [['x-weir-subject', 'a%2cb']]],
    ['a subject that is not encoded', [['x-weir-subject', 'user 1']]],
    ['two subjects as HTTP/2 joins them', [['x-weir-subject', 'user-1, user-2']]],
    [
      'two subjects',
      [
        ['x-weir-subject', 'user-1'],
        ['x-weir-subject', 'user-1'],
      ],
    ],
  ])('refuses %s', (_, entries) => {
    expect(() => callerFrom(metadataOf(entries))).toThrow('x-weir-subject: expected');
  });

  it.each<[string, string[]]>([
    ['an empty list', ['']],
    ['two spaces between', ['orders:read  orders:write']],
    ['a backslash', ['orders\\read']],
    ['a space at the end', ['orders:read ']],
    ['a quotation mark', ['"orders:read"']],
    ['two lists', ['orders:read', 'orders:write']],
  ])('refuses scopes that are %s', (_, lists) => {
    const entries = lists.map((list) => ['x-weir-scopes', list] as const);
    expect(() => callerOf(['x-weir-subject', 'user-1'], ...entries)).toThrow('x-weir-scopes: expected');
  });

  it('refuses scopes of nobody', () => {
    expect(() => callerOf(['x-weir-scopes', 'orders:read'])).toThrow('x-weir-scopes: expected');
  });

  it.each([
    [4_095, true],
    [4_096, true],
    [4_097, false],
  ])('a subject or scopes of %i characters: %s', (length, isTaken) => {
    const text = 'x'.repeat(length);
    const calls = [
      () => callerOf(['x-weir-subject', text]),
      () => callerOf(['x-weir-subject', 'user-1'], ['x-weir-scopes', text]),
    ];
    for (const call of calls) {
      if (isTaken) expect(call().subject).not.toBeNull();
      else expect(call).toThrow('at most 4096 characters');
    }
  });
});
