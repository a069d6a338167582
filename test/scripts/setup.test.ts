import { expect, it } from 'vitest';
import { startNode } from '../kit/child.ts';

const lock = {
  '': { name: 'weir' },
  'node_modules/a': { version: '1.0.0', integrity: 'x' },
  'node_modules/b-linux': { version: '1.0.0', integrity: 'y', optional: true },
};

/** What isSame() says of the lock and of what is installed. */
async function isSame(installed: object): Promise<string> {
  const program = `import { isSame } from './scripts/setup.js';
    console.log(isSame(${JSON.stringify(lock)}, ${JSON.stringify(installed)}));`;
  const child = startNode(['--input-type=module', '--eval', program]);
  await child.ended;
  return child.output().trim();
}

it.each([
  ['everything is there', 'true', { ...lock, '': undefined }],
  ['a package of another platform is missing', 'true', { 'node_modules/a': lock['node_modules/a'] }],
  ['a package is missing', 'false', { 'node_modules/b-linux': lock['node_modules/b-linux'] }],
  ['a package is of another version', 'false', { 'node_modules/a': { version: '1.0.1', integrity: 'x' } }],
  ['a package has other contents', 'false', { 'node_modules/a': { version: '1.0.0', integrity: 'z' } }],
  ['a package is there that is not asked for', 'false', { ...lock, 'node_modules/c': { version: '1.0.0' } }],
  ['nothing is there', 'false', {}],
])('isSame() when %s: %s', async (_, answer, installed) => {
  expect(await isSame(installed)).toBe(answer);
});

it('set-up says nothing and is quick when everything is installed', async () => {
  const child = startNode(['scripts/setup.js']);
  expect(await child.ended).toBe(0);
  expect(child.output()).toBe('');
});
