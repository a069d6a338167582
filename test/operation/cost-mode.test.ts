import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors.ts';
import { costModeFrom } from '../../src/operation/cost-mode.ts';

describe('costModeFrom()', () => {
  it.each([undefined, 'report', 'validate'] as const)('gives %s as it is', (header) => {
    expect(costModeFrom(header)).toBe(header);
  });

  it.each(['', 'Report', 'report ', 'report, validate', 'x'.repeat(100)])('refuses %j', (header) => {
    expect(() => costModeFrom(header)).toThrow(WeirError);
    expect(() => costModeFrom(header)).toThrow(/^Header "GraphQL-Cost": expected report or validate, got "/);
    // No header makes a message any longer than this.
    expect(() => costModeFrom(header)).toThrow(/^.{1,110}$/);
  });
});
