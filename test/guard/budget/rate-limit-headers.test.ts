import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TierState } from '../../../src/guard/budget/budget-store.ts';
import { rateLimitDraft, rateLimitHeaders } from '../../../src/guard/budget/rate-limit-headers.ts';
import { rateLimitView } from '../../../src/guard/budget/rate-limit-view.ts';

const principal: TierState = {
  name: 'principal',
  limitPoints: 2_000,
  restorePerSecond: 100,
  remainingPoints: 1_500,
  fullAfterMs: 5_000,
};
const tenant: TierState = {
  name: 'tenant',
  limitPoints: 50_000,
  restorePerSecond: 3_000,
  remainingPoints: 50_000,
  fullAfterMs: 0,
};

/** A List of Items, each a String with Parameters of Integers and Strings (RFC 9651 appendix C, as far as used here). */
const parameter = String.raw`;[a-z*][a-z0-9_.*-]*=(?:-?\d{1,15}|"(?:[ !#-[\]-~]|\\[\\"])*")`;
const item = String.raw`"(?:[ !#-[\]-~]|\\[\\"])*"(?:${parameter})*`;
const list = new RegExp(`^${item}(?:, ${item})*$`);

describe('rateLimitHeaders()', () => {
  it('pins the revision of the draft, and its address names it', () => {
    expect(rateLimitDraft.url).toContain(rateLimitDraft.revision);
    expect(rateLimitDraft.revision).toMatch(/-10$/);
  });

  it('has an item for each tier, in order', () => {
    expect(rateLimitHeaders({ state: { tiers: [principal, tenant] } })).toEqual({
      'RateLimit-Policy':
        '"principal";q=2000;w=20;weir-unit="points", "tenant";q=50000;w=17;weir-unit="points"',
      RateLimit: '"principal";r=1500;t=5, "tenant";r=50000',
    });
  });

  it('gives nothing when nobody keeps books', () => {
    expect(rateLimitHeaders({ state: { tiers: [] } })).toEqual({});
    expect(rateLimitHeaders({ state: { tiers: [] }, retryAfterMs: 700 })).toEqual({ 'Retry-After': '1' });
  });

  it.each([
    [0, '1'],
    [1, '1'],
    [1_000, '1'],
    [1_001, '2'],
    [59_999, '60'],
  ])('rounds a wait of %i ms up to %s seconds', (retryAfterMs, seconds) => {
    expect(rateLimitHeaders({ state: { tiers: [principal] }, retryAfterMs })['Retry-After']).toBe(seconds);
  });

  it('never has Retry-After point earlier than t', () => {
    const state = { tiers: [{ ...principal, remainingPoints: 3, fullAfterMs: 19_970 }, tenant] };
    expect(rateLimitHeaders({ state, retryAfterMs: 1_200 })).toMatchObject({
      RateLimit: '"principal";r=3;t=2, "tenant";r=50000',
      'Retry-After': '2',
    });
  });

  it('adds the legacy fields only when asked to, with the reset in epoch seconds', () => {
    const legacyAtWallMs = Date.UTC(2026, 0, 1);
    const headers = rateLimitHeaders({ state: { tiers: [principal, tenant] }, legacyAtWallMs });
    expect(headers).toMatchObject({
      'X-RateLimit-Limit': '2000',
      'X-RateLimit-Remaining': '1500',
      'X-RateLimit-Used': '500',
      'X-RateLimit-Reset': String(legacyAtWallMs / 1000 + 5),
    });
  });

  it('is a structured field whatever the numbers and names are', () => {
    const state = fc.record({
      name: fc.string({ unit: 'binary' }),
      limitPoints: fc.double({ min: 1, max: 1e9, noNaN: true }),
      restorePerSecond: fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
      remainingPoints: fc.nat(1_000_000_000),
      fullAfterMs: fc.nat(2_147_483_647),
    });
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 6 }), (tiers) => {
        const headers = rateLimitHeaders({ state: { tiers } });
        expect(headers['RateLimit']).toMatch(list);
        expect(headers['RateLimit-Policy']).toMatch(list);
      }),
      { numRuns: 500 },
    );
  });
});

describe('rateLimitView()', () => {
  it('shows the first tier in the words of GitHub', () => {
    expect(rateLimitView({ tiers: [principal, tenant] }, 7, Date.UTC(2026, 0, 1))).toEqual({
      limit: 2_000,
      cost: 7,
      remaining: 1_500,
      used: 500,
      resetAt: new Date('2026-01-01T00:00:05Z'),
    });
  });

  it('is null when nobody keeps books', () => {
    expect(rateLimitView({ tiers: [] }, 7, 0)).toBeNull();
  });
});
