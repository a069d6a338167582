import { describe, expect, it } from 'vitest';
import { redact, redacted, redactText } from '../../src/observe/redact.ts';

describe('redact()', () => {
  it('gives what has no secret as it is', () => {
    const line = { count: 1, text: 'x', none: null, list: [1, { ok: true }], tokens: 3, keys: 90, codes: [] };
    expect(redact(line)).toEqual(line);
  });

  it('leaves the original alone', () => {
    const line = { headers: { cookie: 'c' } };
    expect(redact(line)).toEqual({ headers: { cookie: redacted } });
    expect(line.headers.cookie).toBe('c');
  });

  it('gives a list of errors within an error, and its cause, as plain data', () => {
    const error = new AggregateError([new TypeError('one')], 'all', { cause: 'words' });
    expect(redact(error)).toMatchObject({
      type: 'AggregateError',
      message: 'all',
      cause: 'words',
      errors: [{ type: 'TypeError', message: 'one' }],
    });
  });

  it('ends for a cause that is its own', () => {
    const error = new Error('round');
    error.cause = error;
    expect(JSON.stringify(redact(error))).toContain('[cut]');
  });
});

describe('redactText()', () => {
  it.each([
    ['Bearer abcdefghijklmnop', redacted],
    ['a Bearer token was expected', 'a Bearer token was expected'],
    ['bearer abcdefghijklmnop==, next', `${redacted}, next`],
    ['got eyJhbGciOi.eyJzdWIi.c2ln!', `got ${redacted}!`],
    ['got eyJhbGciOi.eyJzdWIi.', `got ${redacted}`],
    ['heyJhbGciOi.eyJzdWIi.c2ln', 'heyJhbGciOi.eyJzdWIi.c2ln'],
    ['redis://:pass@host:6379/0', `redis://${redacted}@host:6379/0`],
    ['http://host:4000/graphql', 'http://host:4000/graphql'],
  ])('makes of %j %j', (text, shown) => {
    expect(redactText(text)).toBe(shown);
  });

  it.each(['eyJaaaaaa-', 'eyJaaaaaa.', 'Bearer ', 'x://a:', ':////a:b', 'eyJ'])(
    'costs no more than its length when a megabyte repeats %j',
    (part) => {
      const text = part.repeat(1_000_000 / part.length);
      const startMs = performance.now();
      redactText(text);
      // Quadratic time would be minutes.
      expect(performance.now() - startMs).toBeLessThan(5000);
    },
  );
});
