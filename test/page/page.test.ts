import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PageArguments, type PageLimits, parsePageArguments } from '../../src/page/page.ts';

const limits: PageLimits = { defaultSize: 20, maxSize: 100, maxOffset: 1000 };
const forward = { direction: 'forward', size: 20, after: null, before: null, offset: 0 };

function expectPage(args: PageArguments, expected: object): void {
  expect(parsePageArguments(args, limits)).toEqual({ ok: true, page: { ...forward, ...expected } });
}

function messageOf(args: PageArguments, code: string, given = limits): string {
  const parsed = parsePageArguments(args, given);
  if (parsed.ok) expect.fail(`was accepted as ${JSON.stringify(parsed.page)}`);
  expect(parsed.error.code).toBe(code);
  return parsed.error.message;
}

describe('parsePageArguments()', () => {
  it('gives the default size forward when nothing is given', () => {
    expectPage({}, {});
  });

  it('takes null as not given', () => {
    expectPage({ first: null, after: null, last: null, before: null, offset: null }, {});
    expectPage({ first: 3, last: null, offset: null }, { size: 3 });
    expectPage({ first: null, last: 3, offset: null }, { direction: 'backward', size: 3 });
  });

  it('pages forward with the default size when only cursors are given', () => {
    expectPage({ after: 'a' }, { after: 'a' });
    expectPage({ before: 'b' }, { before: 'b' });
    expectPage({ after: 'a', before: 'b' }, { after: 'a', before: 'b' });
  });

  it('keeps both bounds when a size comes with both cursors', () => {
    expectPage({ first: 3, after: 'a', before: 'b' }, { size: 3, after: 'a', before: 'b' });
    expectPage(
      { last: 3, after: 'a', before: 'b' },
      { direction: 'backward', size: 3, after: 'a', before: 'b' },
    );
  });

  it('leaves an empty cursor for the codec to refuse', () => {
    expectPage({ after: '' }, { after: '' });
  });

  it.each([0, 1, 99, 100])('accepts a size of %d when it is within 0 to 100', (size) => {
    expectPage({ first: size }, { size });
    expectPage({ last: size }, { size, direction: 'backward' });
  });

  it.each([101, 2147483647])('refuses a size of %d when the maximum is 100', (size) => {
    expect(messageOf({ first: size }, 'PAGE_SIZE')).toBe(
      `Argument "first": expected a whole number from 0 to 100, got ${size}. Ask for at most 100 and go on from "endCursor" for more.`,
    );
    expect(messageOf({ last: size }, 'PAGE_SIZE')).toBe(
      `Argument "last": expected a whole number from 0 to 100, got ${size}. Ask for at most 100 and go on from "startCursor" for more.`,
    );
  });

  it.each([-1, -2147483648, 1.5, Number.NaN])('refuses a size of %d', (size) => {
    expect(messageOf({ first: size }, 'PAGE_SIZE')).toBe(
      `Argument "first": expected a whole number from 0 to 100, got ${size}. Ask for 0 to 100, or leave it out.`,
    );
    messageOf({ last: size }, 'PAGE_SIZE');
  });

  it('tells the argument and its maximum to programs when a size is refused', () => {
    expect(parsePageArguments({ last: 101 }, limits)).toMatchObject({
      error: { extensions: { argument: 'last', maximum: 100 } },
    });
  });

  it('refuses when both first and last are given', () => {
    expect(messageOf({ first: 1, last: 2 }, 'BAD_USER_INPUT')).toBe(
      'Expected "first" or "last", got both (1 and 2). Leave out "last" to page forward, "first" to page backward.',
    );
    messageOf({ first: 0, last: 0 }, 'BAD_USER_INPUT');
  });

  it.each([0, 1, 999, 1000])('accepts an offset of %d when it is within 0 to 1000', (offset) => {
    expectPage({ offset }, { offset });
    expectPage({ first: 5, offset }, { size: 5, offset });
  });

  it.each([-1, 1001, 0.5])('refuses an offset of %d', (offset) => {
    expect(messageOf({ offset }, 'BAD_USER_INPUT')).toBe(
      `Argument "offset": expected a whole number from 0 to 1000, got ${offset}. To go deeper, follow "endCursor" with "after", or narrow the filter.`,
    );
  });

  it('refuses any offset but 0 when the field has no page jumps', () => {
    const flat: PageLimits = { defaultSize: 20, maxSize: 100 };
    expect(messageOf({ offset: 1 }, 'BAD_USER_INPUT', flat)).toContain('from 0 to 0, got 1');
    expect(parsePageArguments({ offset: 0 }, flat)).toMatchObject({ ok: true });
  });

  it.each([
    [{ after: 'a' }, '"after"'],
    [{ before: 'b' }, '"before"'],
    [{ last: 3 }, '"last"'],
    [{ after: 'a', last: 3 }, '"after" and "last"'],
  ])('refuses an offset, even 0, when it comes with %j', (besides, names) => {
    expect(messageOf({ offset: 0, ...besides }, 'BAD_USER_INPUT')).toBe(
      `Expected "offset" alone or with "first", got it with ${names}. Leave out "offset" to go on from a cursor, or ${names} to jump.`,
    );
  });

  it('never asks for more than the limits when the arguments are anything', () => {
    const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
    const numbers = fc.oneof(fc.integer({ min: -5, max: 120 }), fc.double());
    const anyArguments = fc.record({
      first: maybe(numbers),
      after: maybe(fc.string()),
      last: maybe(numbers),
      before: maybe(fc.string()),
      offset: maybe(fc.oneof(numbers, fc.integer({ min: 990, max: 1010 }))),
    });
    fc.assert(
      fc.property(anyArguments, (args) => {
        const parsed = parsePageArguments(args, limits);
        if (!parsed.ok) return;
        const { size, offset, after, before, direction } = parsed.page;
        expect(Number.isInteger(size) && size >= 0 && size <= limits.maxSize).toBe(true);
        expect(Number.isInteger(offset) && offset >= 0 && offset <= 1000).toBe(true);
        if (offset > 0) expect([after, before, direction]).toEqual([null, null, 'forward']);
      }),
    );
  });
});
