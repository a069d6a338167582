import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { documentIdOf } from './document-id.ts';
import { type Manifest, parseManifest } from './manifest.ts';

/** How much is read at most: the largest file, in bytes, and the documents of one folder. */
export const manifestBounds = { fileMaxBytes: 67_108_864, maxFiles: 10_000 } as const;

type Bounds = { readonly [Name in keyof typeof manifestBounds]: number };

/**
 * The documents of a manifest file, or of the `.graphql` files of a folder and of those below it: then the id of each is
 * the SHA-256 of its text as it is in the file. Never rejects: what cannot be read, or is beyond the bounds, is one of the
 * faults.
 */
export async function readManifest(path: string, bounds: Bounds = manifestBounds): Promise<Manifest> {
  try {
    const files = await filesOf(path);
    if (files === undefined) return parseManifest(await readWithin(path, bounds), path);
    if (files.length > bounds.maxFiles)
      return faulty(`${path}: expected at most ${bounds.maxFiles} documents, got ${files.length}`);
    if (files.length === 0) return faulty(`${path}: expected .graphql files in it, got none`);
    const documents = await Promise.all(
      files.map(async (place) => {
        const text = await readWithin(place, bounds);
        return { id: documentIdOf(text), text, name: relative(path, place), place };
      }),
    );
    return { documents, faults: [] };
  } catch (thrown) {
    return faulty(`${path}: ${messageOf(thrown)}`);
  }
}

/**
 * Differs after the file, or one of the folder's, was written, replaced, made or removed: by what the file system says of
 * them, so nothing is read. A path that is not there has one too.
 */
export async function versionOf(path: string): Promise<string> {
  try {
    const files = (await filesOf(path)) ?? [path];
    const versions = files.map(async (file) => {
      const { ino, size, mtimeMs } = await stat(file);
      return `${file} ${ino} ${size} ${mtimeMs}`;
    });
    return (await Promise.all(versions)).join('\n');
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** The documents below a folder, by name; undefined when it is none. */
async function filesOf(path: string): Promise<readonly string[] | undefined> {
  if (!(await stat(path)).isDirectory()) return undefined;
  const names = (await readdir(path, { recursive: true })).filter((name) => name.endsWith('.graphql'));
  return names.sort().map((name) => join(path, name));
}

async function readWithin(file: string, { fileMaxBytes }: Bounds): Promise<string> {
  const { size } = await stat(file);
  if (size > fileMaxBytes)
    throw new Error(`expected a file of at most ${fileMaxBytes} bytes, got ${size} in ${file}`);
  return readFile(file, 'utf8');
}

function faulty(fault: string): Manifest {
  return { documents: [], faults: [fault] };
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
