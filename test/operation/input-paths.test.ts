import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors.ts';
import { withInputPaths } from '../../src/operation/input-paths.ts';

const paths = {
  parts: 'input.parts',
  'parts.#.itemId': 'input.parts.#.item',
  'parts.#.sizes.#': 'input.parts.#.size.values.#',
  'header.note': 'input.note',
};

type Path = readonly (string | number)[];

const violation = (path: Path) => ({ path, description: 'is wrong' });

function refusal(...violations: readonly Path[]): WeirError {
  const fieldViolations = violations.map(violation);
  return new WeirError('BAD_USER_INPUT', {
    message: 'No.',
    extensions: { reason: 'WRONG', fieldViolations },
    cause: 'why',
  });
}

/** What comes out of a call that was refused so. */
async function outcomeOf(thrown: unknown, table: Readonly<Record<string, string>> = paths): Promise<unknown> {
  return withInputPaths(Promise.reject(thrown), table).catch((reason: unknown) => reason);
}

describe('withInputPaths()', () => {
  it('gives what the call gives', async () => {
    expect(await withInputPaths(Promise.resolve('answer'), paths)).toBe('answer');
  });

  it.each<readonly [string, Path, Path]>([
    ['a part', ['parts'], ['input', 'parts']],
    ['a part of a list', ['parts', 2, 'itemId'], ['input', 'parts', 2, 'item']],
    ['a part of a list in a list', ['parts', 2, 'sizes', 10], ['input', 'parts', 2, 'size', 'values', 10]],
    ['a member', ['header', 'note'], ['input', 'note']],
    ['what the table has not', ['header', 'customerId'], ['input']],
    ['a part beside one of the table', ['parts', 2], ['input']],
    ['nothing', [], ['input']],
    ['what every object has', ['constructor'], ['input']],
    ['what stands for an index', ['parts', '#', 'itemId'], ['input', 'parts', '#', 'item']],
  ])('names %s as the input does', async (_what, given, path) => {
    expect(await outcomeOf(refusal(given))).toMatchObject({
      code: 'BAD_USER_INPUT',
      message: 'No.',
      cause: 'why',
      extensions: { reason: 'WRONG', fieldViolations: [{ path, description: 'is wrong' }] },
    });
  });

  it('names each of several violations, and leaves the error that came as it is', async () => {
    const given = refusal(['parts', 0, 'itemId'], ['parts', 7, 'itemId'], ['other']);
    const outcome = await outcomeOf(given);
    expect(outcome).toBeInstanceOf(WeirError);
    expect(outcome).toMatchObject({
      extensions: {
        fieldViolations: [
          violation(['input', 'parts', 0, 'item']),
          violation(['input', 'parts', 7, 'item']),
          violation(['input']),
        ],
      },
    });
    expect(given.extensions['fieldViolations']).toEqual([
      violation(['parts', 0, 'itemId']),
      violation(['parts', 7, 'itemId']),
      violation(['other']),
    ]);
  });

  it('takes nothing that the table inherits for a part of it', async () => {
    expect(await outcomeOf(refusal(['header', 'note']), Object.create(paths))).toMatchObject({
      extensions: { fieldViolations: [violation(['input'])] },
    });
  });

  it.each([
    ['a refusal without violations', new WeirError('NOT_FOUND', { extensions: { reason: 'NOT_FOUND' } })],
    [
      'violations that are no list',
      new WeirError('BAD_USER_INPUT', { extensions: { fieldViolations: 'x' } }),
    ],
    ['any other error', new TypeError('x')],
    ['what is no error', 'text'],
  ])('passes on %s', async (_what, thrown) => {
    expect(await outcomeOf(thrown)).toBe(thrown);
  });
});
