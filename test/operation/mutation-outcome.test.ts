import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors.ts';
import { type MutationOutcome, mutationOutcome } from '../../src/operation/mutation-outcome.ts';
import type { Outcome } from '../../src/upstream/origin.ts';
import { UpstreamFailure } from '../../src/upstream/upstream-failure.ts';

const facts = { fields: ['a'], hasSucceededCall: false, isRepeatable: true };

const failed = (originalError?: Error, path: readonly string[] = ['a']) =>
  new GraphQLError('', { path, ...(originalError && { originalError }) });

function ofUpstream(outcome: Outcome): WeirError {
  const call = {
    upstream: 'u',
    method: '/s/M',
    grpcCode: 'ABORTED',
    origin: 'remote',
    breaker: 'ignored',
  } as const;
  const error = Object.assign(new Error('x'), { code: 10, details: '', metadata: undefined });
  const cause = new UpstreamFailure({ ...call, outcome }, error as never); // as: only its message is read
  return new WeirError('CONFLICT', { cause });
}

describe('mutationOutcome()', () => {
  it.each<[string, MutationOutcome, Parameters<typeof mutationOutcome>[0]]>([
    ['a value', 'done', { data: { a: { id: 1 } } }],
    ['null without an error', 'done', { data: { a: null } }],
    [
      'a value in which something failed',
      'done',
      { data: { a: {} }, errors: [failed(new Error('x'), ['a', 'b'])] },
    ],
    ['a refusal upstream', 'notDone', { data: { a: null }, errors: [failed(ofUpstream('notDone'))] }],
    [
      'a failure upstream that may have come after the effect',
      'unknown',
      { data: { a: null }, errors: [failed(ofUpstream('unknown'))] },
    ],
    ['our own refusal', 'notDone', { data: { a: null }, errors: [failed(new WeirError('FORBIDDEN'))] }],
    ['no room for a call', 'notDone', { data: { a: null }, errors: [failed(new WeirError('OVERLOADED'))] }],
    ['an argument that does not fit', 'notDone', { data: { a: null }, errors: [failed()] }],
    ['the client’s leaving', 'unknown', { data: { a: null }, errors: [failed(new WeirError('CANCELLED'))] }],
    ['a deadline', 'unknown', { data: { a: null }, errors: [failed(new WeirError('UPSTREAM_TIMEOUT'))] }],
    ['a fault of a resolver', 'unknown', { data: { a: null }, errors: [failed(new TypeError('x'))] }],
    [
      'an answer that could not be read',
      'unknown',
      { data: { a: null }, errors: [failed(new Error('x'), ['a', 'b'])] },
    ],
    ['an error without a place', 'unknown', { data: null, errors: [new GraphQLError('x')] }],
    [
      'no data, where the field may not be null',
      'notDone',
      { data: null, errors: [failed(ofUpstream('notDone'))] },
    ],
  ])('of %s is %s', (_what, outcome, result) => {
    expect(mutationOutcome(result, facts)).toBe(outcome);
  });

  it('is not certain of a refusal after a call that succeeded', () => {
    const result = { data: { a: null }, errors: [failed(new WeirError('FORBIDDEN'))] };
    expect(mutationOutcome(result, { ...facts, hasSucceededCall: true })).toBe('unknown');
  });

  it('takes an answer that could not be read for done where it may not run again', () => {
    const result = { data: { a: null }, errors: [failed(new Error('x'), ['a', 'b'])] };
    expect(mutationOutcome(result, { ...facts, isRepeatable: false })).toBe('done');
  });

  it('of several fields: unknown before done before not done', () => {
    const several = { ...facts, fields: ['a', 'b'] };
    const refused = failed(new WeirError('FORBIDDEN'));
    const half = { data: { a: null, b: {} }, errors: [refused] };
    expect(mutationOutcome(half, { ...several, hasSucceededCall: true })).toBe('done');
    const lost = failed(new WeirError('UPSTREAM_TIMEOUT'), ['b']);
    expect(mutationOutcome({ data: { a: {}, b: null }, errors: [lost] }, several)).toBe('unknown');
    expect(mutationOutcome({ data: null, errors: [refused] }, several)).toBe('unknown');
  });
});
