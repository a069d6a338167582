import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { expressionsIn, slowText } from './kit/regular-expressions.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const found = ['src', 'schema', 'loaders'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => expressionsIn(`${folder}/${path}`, readFileSync(join(root, folder, path), 'utf8'))),
);

describe('a regular expression that what clients send may meet', () => {
  it('71: takes time in proportion to a text', () => {
    const slow = found.flatMap(({ path, expression }) => {
      const text = slowText(expression);
      return text === undefined ? [] : [`${path}: ${expression} with ${text}`];
    });
    expect(slow).toEqual([]);
  });

  it('71: is found wherever one stands', () => {
    expect(found.length).toBeGreaterThan(40);
    const source =
      'const a = /[/]+\\/b/g; // no /c/\nif (/d/.test(x) || !/e(?:f|g)*/i.exec(x)) y = 4 / 2 / 1;';
    const sources = expressionsIn('', source).map(({ expression }) => String(expression));
    expect(sources).toEqual(['/[/]+\\/b/g', '/d/', '/e(?:f|g)*/i']);
  });

  it.each([/\s+$/, /(?:x+x+)+y/])('71: would be noticed: %s', (expression) => {
    expect(slowText(expression)).toBeDefined();
  });
});
