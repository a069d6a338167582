import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { writtenDocuments } from '../scripts/document.ts';

const documents = await writtenDocuments();

it.each([...documents.keys()])(
  '%s has the tables of the code: `npm run generate` writes them',
  async (file) => {
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
    expect(await readFile(path, 'utf8')).toBe(documents.get(file));
  },
);
