import { describe, expect, it } from 'vitest';
import { cursorRequestFrom } from '../../src/operation/cursor-request.ts';

const contextWith = (cursor: unknown) => ({ params: { extensions: { cursor } } });
const query = 'subscription { event }';

describe('cursorRequestFrom()', () => {
  it.each([
    ['a context without a request', {}],
    ['no extensions', { params: {} }],
    ['extensions of null', { params: { extensions: null } }],
    ['nothing', contextWith(undefined)],
    ['null', contextWith(null)],
  ])('is undefined for %s', (_name, context) => {
    expect(cursorRequestFrom(context)).toBeUndefined();
  });

  it.each([
    ['a document alone', { query }, { query, operationName: undefined, variables: undefined }],
    [
      'null in place of what may be left out',
      { query, operationName: null, variables: null },
      { query, operationName: undefined, variables: undefined },
    ],
    [
      'all members',
      { query, operationName: 'A', variables: { a: 1 } },
      { query, operationName: 'A', variables: { a: 1 } },
    ],
  ])('takes %s', (_name, cursor, request) => {
    expect(cursorRequestFrom(contextWith(cursor))).toEqual(request);
  });

  it.each([
    ['true', true, 'boolean'],
    ['text', query, 'string'],
    ['a list', [query], 'a list'],
    ['no document', {}, 'undefined'],
    ['a document that is no text', { query: 1 }, 'number'],
    ['an operation name that is none', { query, operationName: 1 }, 'number'],
    ['variables in a list', { query, variables: [] }, 'a list'],
  ])('throws BAD_REQUEST for %s', (_name, cursor, got) => {
    expect(() => cursorRequestFrom(contextWith(cursor))).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', message: expect.stringContaining(`got ${got}.`) }),
    );
  });
});
