import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { capErrors } from '../../../src/guard/documents/error-cap.ts';

describe('capErrors()', () => {
  it.each([0, 1, 49, 50])('tells all of %i errors when 50 are told', (count) => {
    const errors = errorsOf(count);
    expect(capErrors(errors, 50)).toBe(errors);
  });

  it.each([51, 5000])('tells the first 50 of %i errors and one that there were more', (count) => {
    const errors = errorsOf(count);
    const told = capErrors(errors, 50);
    expect(told).toHaveLength(51);
    expect(told.slice(0, 50)).toEqual(errors.slice(0, 50));
    expect(told[50]).toMatchObject({
      message: 'There were more errors than the 50 that are told. The option is limits.maxErrors.',
      extensions: { code: 'TOO_MANY_ERRORS' },
    });
  });
});

function errorsOf(count: number): GraphQLError[] {
  return Array.from({ length: count }, (_, at) => new GraphQLError(`error ${at}`));
}
