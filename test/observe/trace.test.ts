import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandomHex, type RandomHex, traceFrom } from '../../src/observe/trace.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
/** W3C Trace Context, the example of section 3.2. */
const valid = `00-${traceId}-${parentId}-01`;

/** Counts up: every id differs and none is random. */
function createCountingHex(): RandomHex {
  let count = 0;
  return (bytes) => {
    count += 1;
    return count.toString(16).padStart(bytes * 2, '0');
  };
}

describe('traceFrom()', () => {
  it('continues a valid trace with a span of its own', () => {
    expect(traceFrom(valid, createCountingHex())).toEqual({
      traceId,
      parentId,
      spanId: '0000000000000001',
      flags: 1,
      traceparent: `00-${traceId}-0000000000000001-01`,
    });
  });

  it.each([
    ['00', 0],
    ['01', 1],
    ['02', 0],
    ['03', 1],
    ['ff', 1],
  ])('keeps of the flags %s only whether it is sampled', (flags, kept) => {
    const trace = traceFrom(`00-${traceId}-${parentId}-${flags}`, createCountingHex());
    expect(trace.flags).toBe(kept);
    expect(trace.traceparent.endsWith(`-0${kept}`)).toBe(true);
  });

  it.each([
    `01-${traceId}-${parentId}-01`,
    `cc-${traceId}-${parentId}-01-what-the-future-will-be-like`,
    `fe-${traceId}-${parentId}-01-`,
  ])('reads the first four fields of the later version %s and answers in version 00', (header) => {
    const trace = traceFrom(header, createCountingHex());
    expect(trace).toMatchObject({ traceId, parentId, flags: 1 });
    expect(trace.traceparent).toBe(`00-${traceId}-0000000000000001-01`);
  });

  it.each([
    undefined,
    '',
    `ff-${traceId}-${parentId}-01`,
    `00-${'0'.repeat(32)}-${parentId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${parentId}-01`,
    `00-${traceId}-${parentId}-0`,
    `00-${traceId}-${parentId}-0g`,
    `00-${traceId}-${parentId}-01-`,
    `00-${traceId}-${parentId}-01-more`,
    `00-${traceId}-${parentId}-01.`,
    `cc-${traceId}-${parentId}-01.more`,
    `0-${traceId}-${parentId}-01`,
    `00-${traceId.slice(1)}-${parentId}-01`,
    `00-${traceId}0-${parentId}-01`,
    ` ${valid}`,
    `${valid}\n`,
    `${valid}, ${valid}`,
    `cc-${traceId}-${parentId}-01-${'x'.repeat(500)}`,
  ])('122: begins a trace, not sampled, when the header is %j', (header) => {
    expect(traceFrom(header, createCountingHex())).toEqual({
      traceId: '00000000000000000000000000000002',
      parentId: undefined,
      spanId: '0000000000000001',
      flags: 0,
      traceparent: '00-00000000000000000000000000000002-0000000000000001-00',
    });
  });

  it('gives a valid header whatever came, which the next hop continues', () => {
    const randomHex = createRandomHex();
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constant(valid)), (header) => {
        const trace = traceFrom(header, randomHex);
        expect(trace.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
        expect(traceFrom(trace.traceparent, randomHex)).toMatchObject({
          traceId: trace.traceId,
          parentId: trace.spanId,
          flags: trace.flags,
        });
      }),
    );
  });
});

describe('createRandomHex()', () => {
  it('gives ids of the asked length that do not come again, also past its pool', () => {
    const randomHex = createRandomHex();
    const ids = Array.from({ length: 2000 }, (_, index) => randomHex(index % 2 === 0 ? 16 : 8));
    expect(new Set(ids).size).toBe(2000);
    expect(new Set(ids.map(({ length }) => length))).toEqual(new Set([16, 32]));
  });
});
