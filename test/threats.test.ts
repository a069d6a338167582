import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { filesByThreat, threats } from '../scripts/threats.ts';

const files = filesByThreat(fileURLToPath(new URL('..', import.meta.url)));
/** Numbers of threats that are tested beside the table of docs/threats.md. */
const elsewhere: readonly number[] = [148];

describe('the threats', () => {
  it('have tests, each of them', () => {
    expect(threats.filter(({ number }) => !files.has(number))).toEqual([]);
  });

  it('are all told of that a test has the number of', () => {
    const told = new Set([...threats.map(({ number }) => number), ...elsewhere]);
    expect([...files].filter(([number]) => !told.has(number))).toEqual([]);
  });
});
