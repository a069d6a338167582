import { afterEach, describe, expect, it } from 'vitest';
import { parseJwkSet } from '../../src/identity/key-set.ts';
import { createRefreshingKeys, type KeySource } from '../../src/identity/refreshing-keys.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { createIssuerKey, jwkSet } from './issuer.ts';

const text = jwkSet(createIssuerKey('first'));
const times = { timeoutMs: 5_000, cooldownMs: 1_000, maxAgeMs: 2_000, maxStaleMs: 10_000 };

let keys: KeySource | undefined;

afterEach(() => keys?.close());

/** A source whose reads the test counts and ends itself. */
function createControlledKeys() {
  const clock = createFakeClock();
  const reads: PromiseWithResolvers<string>[] = [];
  const read = (signal: AbortSignal) => {
    const pending = Promise.withResolvers<string>();
    signal.addEventListener('abort', () => pending.reject(signal.reason));
    reads.push(pending);
    return pending.promise;
  };
  const source = createRefreshingKeys({ name: 'controlled', read, parse: parseJwkSet, times, clock });
  keys = source;
  return { clock, reads, source, find: () => source.find('EdDSA', 'first') };
}

describe('createRefreshingKeys()', () => {
  it('starts no second read while one is under way, even past the cooldown', async () => {
    const { clock, reads, find } = createControlledKeys();
    const one = find();
    clock.advance(3_000);
    const other = find();
    expect(reads).toHaveLength(1);
    reads[0]?.resolve(text);
    expect([(await one).length, (await other).length]).toEqual([1, 1]);
  });

  it('starts no read after it was closed', async () => {
    const { clock, reads, find, source } = createControlledKeys();
    source.close();
    clock.advance(60_000);
    await expect(find()).rejects.toMatchObject({ extensions: { reason: 'KEYS_UNAVAILABLE' } });
    expect(source.trusts('any')).toBe(false);
    expect(await source.ready()).toBe('the keys were not read');
    expect(reads).toHaveLength(0);
  });

  it('trusts no key past maxAgeMs while the read that decides is under way', async () => {
    const { clock, reads, find, source } = createControlledKeys();
    const first = find();
    reads[0]?.resolve(text);
    const id = (await first)[0]?.id ?? '';
    expect(source.trusts(id)).toBe(true);
    clock.advance(1_999);
    expect(source.trusts(id)).toBe(true);
    clock.advance(1);
    expect(source.trusts(id)).toBe(false);
    const waiting = find();
    expect(source.trusts(id)).toBe(false);
    reads[1]?.resolve(text);
    expect(await waiting).toHaveLength(1);
    expect(source.trusts(id)).toBe(true);
  });

  it('measures the age of keys from the start of their read, since they may be as old as that', async () => {
    const { clock, reads, find, source } = createControlledKeys();
    const first = find();
    clock.advance(1_500);
    reads[0]?.resolve(text);
    const id = (await first)[0]?.id ?? '';
    clock.advance(8_499);
    const second = find();
    reads[1]?.reject(new Error('down'));
    expect(await second).toHaveLength(1);
    clock.advance(1);
    const third = find();
    reads[2]?.reject(new Error('still down'));
    await expect(third).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(source.trusts(id)).toBe(false);
  });

  it('counts a failed read as a look, until the last good keys are maxStaleMs old', async () => {
    const { clock, reads, find, source } = createControlledKeys();
    const first = find();
    reads[0]?.resolve(text);
    const id = (await first)[0]?.id ?? '';
    clock.advance(9_000);
    const second = find();
    reads[1]?.reject(new Error('down'));
    expect(await second).toHaveLength(1);
    clock.advance(999);
    expect(source.trusts(id)).toBe(true);
    clock.advance(1);
    expect(source.trusts(id)).toBe(false);
    const third = find();
    reads[2]?.reject(new Error('still down'));
    await expect(third).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(await source.ready()).toBe('still down');
  });
});
