import { describe, expect, it } from 'vitest';
import {
  type BatchRecord,
  type CallRecord,
  createTimeline,
  maxTimelineEntries,
} from '../../src/observe/timeline.ts';
import { createFakeClock } from '../kit/fake-clock.ts';

const batch: BatchRecord = {
  loader: 'rows',
  keys: 3,
  duplicates: 1,
  calls: 1,
  durationMs: 5,
  missing: 0,
  foreign: 0,
  repeated: 0,
};
const call: CallRecord = { upstream: 'things', method: 'Get', kind: 'unary', durationMs: 5, code: 'OK' };

describe('createTimeline()', () => {
  it('is empty when the operation begins', () => {
    expect(createTimeline(createFakeClock())).toMatchObject({
      batches: [],
      calls: [],
      droppedBatches: 0,
      droppedCalls: 0,
    });
  });

  it('keeps entries in order with their time since the beginning', () => {
    const clock = createFakeClock();
    clock.advance(1000);
    const timeline = createTimeline(clock);
    clock.advance(7);
    timeline.batch(batch);
    clock.advance(1);
    timeline.call(call);
    timeline.call({ ...call, code: 'NOT_FOUND' });
    expect(timeline.batches).toEqual([{ ...batch, atMs: 7 }]);
    expect(timeline.calls).toEqual([
      { ...call, atMs: 8 },
      { ...call, code: 'NOT_FOUND', atMs: 8 },
    ]);
  });

  it.each([
    [maxTimelineEntries - 1, maxTimelineEntries - 1, 0],
    [maxTimelineEntries, maxTimelineEntries, 0],
    [maxTimelineEntries + 1, maxTimelineEntries, 1],
  ])('of %d entries keeps %d and counts %d as dropped', (added, kept, dropped) => {
    const timeline = createTimeline(createFakeClock());
    for (let index = 0; index < added; index += 1) {
      timeline.batch(batch);
      timeline.call(call);
    }
    expect(timeline.batches).toHaveLength(kept);
    expect(timeline.calls).toHaveLength(kept);
    expect(timeline).toMatchObject({ droppedBatches: dropped, droppedCalls: dropped });
  });
});
