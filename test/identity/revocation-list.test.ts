import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anonymousPrincipal } from '../../src/identity/principal.ts';
import { keyFromFilter, type RevocationFilter } from '../../src/identity/revocation.ts';
import { createRevocationList, type Revocable } from '../../src/identity/revocation-list.ts';

const nobody = { subject: null, tenant: null, client: null };
const user: Revocable = { subject: 'user-1', tenant: 'north', client: 'web', issuedAtMs: 100_000 };

/** Few names, so that filters meet; some of them alike in another place. */
const name = fc.constantFrom(null, 'a', 'b', 'c d');
const filters = fc
  .record({ subject: name, tenant: name, client: name })
  .filter(({ subject, tenant, client }) => subject !== null || tenant !== null || client !== null);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ filter: filters, atSeconds: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ forget: fc.nat(20) }) },
);
const principals = fc.record({
  subject: fc.constantFrom('a', 'b', 'c d'),
  tenant: name,
  client: name,
  issuedAtMs: fc.option(fc.nat(22_000), { nil: null }),
});

/** The rule as it is written down: every member that is given must match, and the token must not be later. */
function meets(
  { filter, atSeconds }: { readonly filter: RevocationFilter; readonly atSeconds: number },
  principal: Revocable,
): boolean {
  const { subject, tenant, client } = filter;
  const isMeant =
    (subject === null || subject === principal.subject) &&
    (tenant === null || tenant === principal.tenant) &&
    (client === null || client === principal.client);
  return isMeant && (principal.issuedAtMs === null || principal.issuedAtMs < (atSeconds + 1) * 1000);
}

describe('createRevocationList()', () => {
  it('refuses whom a look through all of them refuses, whatever was noted and forgotten', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.array(principals, { minLength: 1 }),
        (steps, asked) => {
          const list = createRevocationList();
          let model: { readonly filter: RevocationFilter; readonly atSeconds: number }[] = [];
          for (const done of steps) {
            if ('forget' in done) {
              list.forget(done.forget);
              // One that was made again later is forgotten with its later second.
              const latest = (filter: RevocationFilter) =>
                Math.max(
                  ...model
                    .filter((one) => keyFromFilter(one.filter) === keyFromFilter(filter))
                    .map((one) => one.atSeconds),
                );
              model = model.filter(({ filter }) => latest(filter) >= done.forget);
            } else {
              list.note(keyFromFilter(done.filter), done.atSeconds);
              model.push(done);
            }
          }
          for (const principal of asked)
            expect(list.refuses(principal)).toBe(model.some((one) => meets(one, principal)));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    [99_999, 99, true],
    [100_000, 99, false],
    [100_000, 100, true],
    [100_999, 100, true],
    [101_000, 100, false],
    [null, 0, true],
  ])('a token of %s ms is refused by a revocation of second %d: %s', (issuedAtMs, atSeconds, isRefused) => {
    const list = createRevocationList();
    list.note(keyFromFilter({ ...nobody, subject: 'user-1' }), atSeconds);
    expect(list.refuses({ ...user, issuedAtMs })).toBe(isRefused);
  });

  it('never refuses the anonymous', () => {
    const list = createRevocationList();
    for (const member of ['subject', 'tenant', 'client'])
      list.note(keyFromFilter({ ...nobody, [member]: 'a' }), 2_000_000_000);
    expect(list.refuses(anonymousPrincipal('192.0.2.0/24'))).toBe(false);
    expect(list.refuses({ ...user, subject: 'a' })).toBe(true);
  });

  it('note() tells what is new: another filter, or the same made later', () => {
    const list = createRevocationList();
    const key = keyFromFilter({ ...nobody, subject: 'user-1' });
    expect([5, 5, 4, 6].map((atSeconds) => list.note(key, atSeconds))).toEqual([true, false, false, true]);
    expect(list.note('no key', 7)).toBe(false);
    expect([...list.entries]).toEqual([[key, 6]]);
  });

  it('looks up in a time that does not grow with what it holds', () => {
    const list = createRevocationList();
    const usOf = () => {
      const startMs = performance.now();
      for (let turn = 0; turn < 100_000; turn += 1) list.refuses(user);
      return (performance.now() - startMs) / 100;
    };
    for (let at = 0; at < 10_000; at += 1) list.note(keyFromFilter({ ...nobody, subject: `user ${at}` }), at);
    usOf();
    // A walk through 10,000 would take some 100 us.
    expect(usOf()).toBeLessThan(10);
  });
});
