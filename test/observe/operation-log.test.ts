import { describe, expect, it } from 'vitest';
import { operationLine } from '../../src/observe/operation-log.ts';
import type { OperationRecord } from '../../src/observe/operation-record.ts';
import { maxTextLength } from '../../src/observe/readable-text.ts';
import { createTimeline, maxTimelineEntries } from '../../src/observe/timeline.ts';
import { createFakeClock } from '../kit/fake-clock.ts';

function record(changes: Partial<OperationRecord> = {}): OperationRecord {
  return {
    requestId: 'request-1',
    operationName: 'ReadRows',
    type: 'query',
    variant: 'web',
    principal: { kind: 'user', subject: 'user-1' },
    outcome: 'ok',
    codes: [],
    durationMs: 12.345_678,
    price: { estimatePoints: 41, actualPoints: 13, upstreamCalls: 3, refused: undefined },
    deprecated: undefined,
    timeline: createTimeline(createFakeClock()),
    traceId: 'a'.repeat(32),
    ...changes,
  };
}

const batch = { loader: 'rows', duplicates: 0, calls: 1, durationMs: 5, missing: 0, foreign: 0, repeated: 0 };
const call = { upstream: 'things', method: 'Get', kind: 'unary', durationMs: 5, code: 'OK' } as const;

describe('operationLine()', () => {
  it('tells of an operation in one flat line', () => {
    const timeline = createTimeline(createFakeClock());
    timeline.call(call);
    timeline.call(call);
    timeline.batch({ ...batch, keys: 20 });
    timeline.batch({ ...batch, keys: 5 });
    const codes = ['NOT_FOUND', 'FORBIDDEN', 'NOT_FOUND'];
    expect(operationLine(record({ timeline, outcome: 'partial', codes }))).toEqual({
      requestId: 'request-1',
      operation: 'ReadRows',
      type: 'query',
      variant: 'web',
      principal: { kind: 'user', subject: 'user-1' },
      outcome: 'partial',
      codes: ['NOT_FOUND', 'FORBIDDEN'],
      durationMs: 12.346,
      calls: 2,
      batches: 2,
      keys: 25,
      estimatePoints: 41,
      actualPoints: 13,
      traceId: 'a'.repeat(32),
    });
  });

  it('tells of an operation of which almost nothing is known', () => {
    const unknown = {
      operationName: undefined,
      principal: undefined,
      timeline: undefined,
      traceId: undefined,
    };
    expect(operationLine(record({ ...unknown, type: 'unknown', outcome: 'refused' }))).toMatchObject({
      operation: null,
      principal: null,
      calls: 0,
      batches: 0,
      keys: 0,
      traceId: null,
    });
  });

  it('counts what did not fit the timeline', () => {
    const timeline = createTimeline(createFakeClock());
    for (let index = 0; index < maxTimelineEntries + 2; index += 1) {
      timeline.call(call);
      timeline.batch({ ...batch, keys: 1 });
    }
    expect(operationLine(record({ timeline }))).toMatchObject({
      calls: maxTimelineEntries + 2,
      batches: maxTimelineEntries + 2,
    });
  });

  it('118: keeps of a principal its kind and subject alone', () => {
    const principal = { kind: 'user', subject: 'user-1', scopes: new Set(['secret:scope']), token: 'canary' };
    expect(operationLine(record({ principal })).principal).toEqual({ kind: 'user', subject: 'user-1' });
    expect(operationLine(record({ principal: { kind: 'anonymous', subject: null } })).principal).toEqual({
      kind: 'anonymous',
      subject: null,
    });
  });

  it.each([99, 100, 101, 1_000_000])('keeps at most 100 characters of a name of %d', (length) => {
    expect(maxTextLength).toBe(100);
    for (const letter of ['x', ' ', '\u0000'])
      expect(
        operationLine(record({ operationName: letter.repeat(length) })).operation?.length,
      ).toBeLessThanOrEqual(100);
    expect(operationLine(record({ operationName: 'x'.repeat(length) })).operation).toHaveLength(
      Math.min(length, 100),
    );
  });

  it.each([
    ['a\nb', 'a\\u{a}b'],
    ['a\u0000b', 'a\\u{0}b'],
    ['a\u007fb', 'a\\u{7f}b'],
    ['a\u009bb', 'a\\u{9b}b'],
    ['a\u202eb', 'a\\u{202e}b'],
    ['a\u2028b', 'a\\u{2028}b'],
    ['a\ufeffb', 'a\\u{feff}b'],
    ['a\ud800b', 'a\\u{d800}b'],
    ['grüße 🙂', 'grüße 🙂'],
  ])('122: escapes what cannot be read in %j', (operationName, shown) => {
    expect(operationLine(record({ operationName })).operation).toBe(shown);
    expect(
      operationLine(record({ principal: { kind: 'user', subject: operationName } })).principal?.subject,
    ).toBe(shown);
  });
});
