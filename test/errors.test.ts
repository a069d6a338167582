import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorTable, WeirError } from '../src/errors.ts';

const rows = Object.entries(errorTable);
/** Texts that clients compare: Apollo's automatic persisted queries. */
const protocolTexts = ['PersistedQueryNotFound', 'PersistedQueryNotSupported'];

describe('errorTable', () => {
  it.each(rows)('%s is a name in capitals with a sentence and an error status', (code, fact) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    if (!protocolTexts.includes(fact.message)) expect(fact.message).toMatch(/^[A-Z].*\.$/);
    expect(Number.isInteger(fact.httpStatus) && fact.httpStatus >= 400 && fact.httpStatus <= 599).toBe(true);
  });

  it.each(rows.filter(([, { retryable }]) => retryable))(
    '%s does not blame the request when it invites to send it again',
    (_code, { httpStatus }) => {
      expect([409, 429, 499, 503, 504]).toContain(httpStatus);
    },
  );
});

describe('WeirError', () => {
  it('says the sentence of the table and carries nothing more when only the code is given', () => {
    const error = new WeirError('NOT_FOUND');
    expect(error).toMatchObject({
      name: 'WeirError',
      code: 'NOT_FOUND',
      message: errorTable.NOT_FOUND.message,
      extensions: {},
    });
    expect('cause' in error).toBe(false);
  });

  it('keeps message, extensions and cause when they are given', () => {
    const cause = new Error('private');
    const error = new WeirError('RATE_LIMITED', { message: 'Wait.', extensions: { retryAfterMs: 5 }, cause });
    expect(error).toMatchObject({ message: 'Wait.', extensions: { retryAfterMs: 5 } });
    expect(error.cause).toBe(cause);
  });

  it('is an Error with a stack', () => {
    const error = new WeirError('CONFLICT');
    expect(error).toBeInstanceOf(Error);
    expect(error.stack).toContain('errors.test.ts');
  });
});

describe('WeirError.from()', () => {
  it('gives a WeirError back as it is', () => {
    const error = new WeirError('FORBIDDEN');
    expect(WeirError.from(error)).toBe(error);
  });

  it.each<[ErrorCode, unknown]>([
    ['CANCELLED', AbortSignal.abort().reason],
    ['CANCELLED', new DOMException('stop', 'AbortError')],
    ['UPSTREAM_TIMEOUT', new DOMException('late', 'TimeoutError')],
  ])('gives %s when a signal aborted', (code, thrown) => {
    expect(WeirError.from(thrown)).toMatchObject({ code, message: errorTable[code].message, cause: thrown });
  });

  it.each([
    ['an Error', new Error('password=hunter2')],
    ['text', 'password=hunter2'],
    ['null', null],
    ['an Error named like a member of every object', Object.assign(new Error('x'), { name: 'constructor' })],
    ['an object that only looks like an abort', { name: 'AbortError' }],
    ['an object that only looks like a WeirError', { code: 'NOT_FOUND', message: 'hunter2', extensions: {} }],
  ])('masks and keeps the cause when %s was thrown', (_what, thrown) => {
    const error = WeirError.from(thrown);
    expect(error).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      message: errorTable.INTERNAL_SERVER_ERROR.message,
      extensions: {},
    });
    expect(error.cause).toBe(thrown);
  });

  it('masks when undefined was thrown', () => {
    expect(WeirError.from(undefined).code).toBe('INTERNAL_SERVER_ERROR');
  });
});
