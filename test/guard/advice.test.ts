import { describe, expect, it } from 'vitest';
import { adviseLimits } from '../../src/guard/advice.ts';
import type { TrafficOperation } from '../../src/observe/traffic.ts';

const options = {
  refusedShare: 0,
  fieldAt: (_document: string, path: string) =>
    new Map([
      ['books', { coordinate: 'Query.books', isList: false }],
      ['books.edges', { coordinate: 'BookConnection.edges', isList: true }],
      ['slow', { coordinate: 'Query.slow', isList: false }],
    ]).get(path),
};

function operation(given: Partial<TrafficOperation>): TrafficOperation {
  return {
    kind: 'operation',
    atMs: 0,
    document: 'd',
    operationName: null,
    type: 'query',
    variant: 'web',
    caller: 'c',
    callerKind: 'user',
    estimatePoints: 10,
    actualPoints: 10,
    upstreamCalls: 1,
    durationMs: 10,
    refused: null,
    counts: {},
    ...given,
  };
}

describe('adviseLimits', () => {
  it('adviseLimits() proposes the smallest ceiling that refuses no more than the wanted share', () => {
    const operations = Array.from({ length: 100 }, (_, index) =>
      operation({ estimatePoints: index === 0 ? 400 : 90, actualPoints: 1, atMs: index * 60_000 }),
    );
    expect(adviseLimits(operations, options).proposedCeiling).toEqual({ limitPoints: 500, refusedShare: 0 });
    expect(adviseLimits(operations, { ...options, refusedShare: 0.01 }).proposedCeiling).toEqual({
      limitPoints: 100,
      refusedShare: 0.01,
    });
  });

  it('adviseLimits() takes an estimate that equals the ceiling', () => {
    const { ceilings } = adviseLimits([operation({ estimatePoints: 100 })], options);
    expect(ceilings.find(({ limitPoints }) => limitPoints === 100)?.refusedShare).toBe(0);
  });

  it('adviseLimits() plays each budget caller by caller: the estimate must fit, the actual is paid', () => {
    const burst = (caller: string) =>
      Array.from({ length: 10 }, () => operation({ caller, estimatePoints: 100, actualPoints: 50 }));
    const { budgets, proposedBudgets } = adviseLimits([...burst('one'), ...burst('other')], options);
    // Of 500 points each, nine operations leave 50: too few for the estimate of the tenth.
    expect(budgets.find(({ limitPoints }) => limitPoints === 500)).toEqual({
      callerKind: 'user',
      limitPoints: 500,
      restorePerSecond: 25,
      refusedShare: 0.1,
      refusedCallers: 2,
      callers: 2,
    });
    expect(proposedBudgets.map(({ limitPoints }) => limitPoints)).toEqual([1000]);
  });

  it('adviseLimits() restores a budget with time, whatever the order of the lines', () => {
    const operations = [60_000, 0].map((atMs) => operation({ atMs, estimatePoints: 100, actualPoints: 100 }));
    expect(adviseLimits(operations, options).proposedBudgets[0]?.limitPoints).toBe(100);
  });

  it('adviseLimits() tells how long lists were for each parent', () => {
    const sized = (rows: number) =>
      operation({ counts: { ' Query': 1, 'books BookConnection': 2, 'books.edges BookEdge': rows } });
    expect(adviseLimits([sized(4), sized(20), sized(40)], options).lists).toEqual([
      { field: 'BookConnection.edges', operations: 3, median: 10, p99: 20, largest: 20 },
    ]);
  });

  it('adviseLimits() names root fields that take twice as long for each point, from 20 operations on', () => {
    const fast = Array.from({ length: 60 }, () => operation({ counts: { 'books BookConnection': 1 } }));
    const slow = (times: number) =>
      Array.from({ length: times }, () => operation({ durationMs: 40, counts: { 'slow Slow': 1 } }));
    expect(adviseLimits([...fast, ...slow(20)], options).weights).toEqual([
      { field: 'Query.slow', operations: 20, factor: 4 },
    ]);
    expect(adviseLimits([...fast, ...slow(19)], options).weights).toEqual([]);
  });
});
