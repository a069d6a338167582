import { describe, expect, it } from 'vitest';
import { deprecationHeaders } from '../../src/deprecation/deprecation-headers.ts';

const first = 'Use a. Deprecated since 2026-01-31. Removed after 2027-06-01.';
const second = 'Use b. Deprecated since 2026-11-01. Removed after 2027-03-01.';

describe('deprecationHeaders()', () => {
  it('gives the earliest of both dates, in the forms of RFC 9745 and RFC 8594', () => {
    expect(deprecationHeaders([first, second], '')).toEqual({
      deprecation: '@1769817600',
      sunset: 'Mon, 01 Mar 2027 00:00:00 GMT',
    });
    expect(deprecationHeaders([second, first], '')).toEqual(deprecationHeaders([first, second], ''));
  });

  it('names the page that tells more', () => {
    expect(deprecationHeaders([first], 'https://graph.example.com/old')['link']).toBe(
      '<https://graph.example.com/old>; rel="deprecation"',
    );
  });

  it('leaves out what no reason tells', () => {
    expect(deprecationHeaders(['No longer supported'], '')).toEqual({});
    expect(deprecationHeaders(['No longer supported', second], '')).toEqual(deprecationHeaders([second], ''));
  });
});
