import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { StartError } from '../gateway.ts';
import { readText } from './input-file.ts';

/** Bounds of a file that git shows. */
const bounds = { maxBuffer: 67_108_864, timeout: 30_000 } as const;

/**
 * The text of a file, or of one in a commit as git names it: `REF:path` from the root of the repository, `REF:./path` from
 * this folder. Throws {@link StartError} when there is neither.
 */
export async function baseText(base: string): Promise<string> {
  if (existsSync(base) || !base.includes(':')) return readText(base);
  try {
    return (await promisify(execFile)('git', ['show', '--end-of-options', base], bounds)).stdout;
  } catch (cause) {
    const told = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    const message = told === '' && cause instanceof Error ? cause.message : told;
    throw new StartError([`${base}: expected a file, or one of a commit as git shows it: ${message}`], {
      cause,
    });
  }
}
