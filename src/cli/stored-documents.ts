import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from '../gateway.ts';
import type { NamedDocument } from '../guard/cost/cost-diff.ts';
import { parseManifest } from '../guard/documents/manifest.ts';
import { documentFrom, readText } from './input-file.ts';

/**
 * The documents that clients are known to send, by name: the `.graphql` files of a folder and of those below it, or the
 * texts of a manifest; see {@link parseManifest}. Throws {@link StartError} where there are none, and for each that
 * does not parse.
 */
export async function readStoredDocuments(path: string): Promise<readonly NamedDocument[]> {
  const documents = (await isFolder(path)) ? await folderDocuments(path) : await manifestDocuments(path);
  if (documents.length === 0) throw new StartError([`${path}: expected at least one document, got none`]);
  return documents;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    const expected = 'expected a folder of .graphql files, or a manifest of documents as JSON';
    throw new StartError([`${path}: ${expected}, got nothing; name another with --documents`], { cause });
  }
}

async function folderDocuments(folder: string): Promise<readonly NamedDocument[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.graphql'));
  return Promise.all(
    names.sort().map(async (name) => {
      const file = join(folder, name);
      return { name, document: documentFrom(await readText(file), file) };
    }),
  );
}

async function manifestDocuments(file: string): Promise<readonly NamedDocument[]> {
  const { documents, faults } = parseManifest(await readText(file), file);
  if (faults.length > 0) throw new StartError(faults);
  return documents.map(({ name, text, place }) => ({ name, document: documentFrom(text, place) }));
}
