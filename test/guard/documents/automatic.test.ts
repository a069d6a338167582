import { describe, expect, it } from 'vitest';
import { createAutomaticDocuments } from '../../../src/guard/documents/automatic.ts';

const text = (at: number) => `{a${String(at).padStart(8, '0')}}`;
const textBytes = text(0).length * 2;

function fill(maxDocuments: number, maxBytes = 1e6) {
  const automatic = createAutomaticDocuments({ maxDocuments, maxBytes });
  /** Keeps texts of a share, and says which of them are still there afterwards. */
  const keep = (share: string, from: number, count: number) => {
    for (let at = from; at < from + count; at += 1) automatic.keep(`id-${at}`, text(at), share);
  };
  const kept = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => from + at).filter(
      (at) => automatic.get(`id-${at}`) !== undefined,
    );
  return { ...automatic, keep, kept, keepOne: automatic.keep };
}

describe('createAutomaticDocuments()', () => {
  it('gives back what was kept', () => {
    const automatic = createAutomaticDocuments({ maxDocuments: 10, maxBytes: 1000 });
    automatic.keep('a', '{a}', 'tenant');
    expect([automatic.get('a'), automatic.get('b')]).toEqual(['{a}', undefined]);
    expect(automatic.size()).toEqual({ documents: 1, bytes: 6 });
  });

  it('keeps a fifth of all for one share, just below, at and above it', () => {
    const automatic = fill(50);
    automatic.keep('one', 0, 9);
    expect(automatic.size().documents).toBe(9);
    automatic.keep('one', 9, 1);
    expect(automatic.size().documents).toBe(10);
    automatic.keep('one', 10, 1);
    expect(automatic.size().documents).toBe(10);
    expect(automatic.kept(0, 11)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('lets a share that floods push out only its own', () => {
    const automatic = fill(50);
    automatic.keep('quiet', 1000, 10);
    automatic.keep('flood', 0, 500);
    expect(automatic.kept(1000, 10)).toHaveLength(10);
    expect(automatic.size().documents).toBe(20);
  });

  it('lets go what was not asked for longest when all is full', () => {
    const automatic = fill(10);
    for (let at = 0; at < 10; at += 1) automatic.keep(`share-${at}`, at, 1);
    expect(automatic.kept(0, 1)).toEqual([0]);
    automatic.keep('late', 10, 1);
    automatic.keep('later', 11, 1);
    expect(automatic.kept(0, 12)).toEqual([0, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(automatic.size().documents).toBe(10);
  });

  it('is bounded by the bytes of its texts', () => {
    const automatic = fill(1000, textBytes * 10);
    for (let at = 0; at < 30; at += 1) automatic.keep(`share-${at}`, at, 1);
    expect(automatic.size()).toEqual({ documents: 10, bytes: textBytes * 10 });
    automatic.keep('one', 100, 5);
    expect(automatic.kept(100, 5)).toEqual([103, 104]);
  });

  it('keeps no text that is larger than what one share may have', () => {
    const automatic = fill(1000, 1000);
    automatic.keepOne('fits', 'x'.repeat(100), 'one');
    automatic.keepOne('larger', 'x'.repeat(101), 'two');
    expect([automatic.get('fits') !== undefined, automatic.get('larger')]).toEqual([true, undefined]);
  });

  it('keeps its account when shares come and go', () => {
    const automatic = fill(5, 1e6);
    for (let at = 0; at < 1000; at += 1) automatic.keep(`share-${at % 7}`, at, 1);
    expect(automatic.size()).toEqual({ documents: 5, bytes: textBytes * 5 });
  });
});
