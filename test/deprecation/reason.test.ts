import { describe, expect, it } from 'vitest';
import { datesFrom, dayText, reasonFaults, reasonFrom } from '../../src/deprecation/reason.ts';

const march = Date.UTC(2027, 2, 1);
const november = Date.UTC(2026, 10, 1);

describe('reasonFrom()', () => {
  it.each([
    ['Use `name`.', 'Use `name`.'],
    ['Use name', 'Use name.'],
    [' Why? ', 'Why?'],
  ])('writes the dates behind %j', (reason, text) => {
    const written = reasonFrom({ reason, since: '2026-11-01', removal: '2027-03-01' });
    expect(written).toBe(`${text} Deprecated since 2026-11-01. Removed after 2027-03-01.`);
    expect(datesFrom(written)).toEqual({ sinceMs: november, removalMs: march });
    expect(reasonFaults(written)).toEqual([]);
  });
});

describe('datesFrom()', () => {
  it.each([
    ['Use name, deprecated since 2026-11-01, removed after 2027-03-01', november, march],
    ['removed after 2027-03-01; deprecated since 2026-11-01', november, march],
    ['Removed after 2027-03-01.', undefined, march],
    ['Deprecated since 2026-11-01', november, undefined],
    ['Removed after 2027-02-29.', undefined, undefined],
    ['Removed after 2028-02-29.', undefined, Date.UTC(2028, 1, 29)],
    ['Removed after 2027-13-01.', undefined, undefined],
    ['Removed after 1 March 2027.', undefined, undefined],
    ['Not removed afterwards 2027-03-01', undefined, undefined],
    ['No longer supported', undefined, undefined],
  ])('reads %j', (reason, sinceMs, removalMs) => {
    expect(datesFrom(reason)).toEqual({ sinceMs, removalMs });
  });
});

describe('reasonFaults()', () => {
  const reason = 'Use name.';
  it.each([
    [{ reason, since: '2027-03-01', removal: '2027-03-01' }, []],
    [
      { reason, since: '2027-03-02', removal: '2027-03-01' },
      ['expected "removal" to be no earlier than "since"'],
    ],
    [
      { reason, since: '2026-11-31', removal: 'soon' },
      [
        'expected "since" to be a day such as 2027-03-01, got 2026-11-31',
        'expected "removal" to be a day such as 2027-03-01, got soon',
      ],
    ],
    [
      { reason: ' ', since: '2026-11-01', removal: '2027-03-01' },
      ['expected a "reason": what to use instead'],
    ],
  ])('says what is wrong with %j', (option, faults) => {
    expect(reasonFaults(reasonFrom(option))).toEqual(faults);
  });

  it('says that there are no dates', () => {
    expect(reasonFaults('Use name.')).toEqual([
      'expected "since" to be a day such as 2027-03-01, got none',
      'expected "removal" to be a day such as 2027-03-01, got none',
    ]);
  });
});

describe('dayText()', () => {
  it('writes a day of UTC', () => {
    expect([march, march - 1].map(dayText)).toEqual(['2027-03-01', '2027-02-28']);
  });
});
