import { readdir, readFile } from 'node:fs/promises';
import type { Store } from './store.ts';

/** Any number: whoever migrates this database at the same time waits for it. */
const LOCK = 7_105_731;
const FOLDER = new URL('./migrations/', import.meta.url);

/** Applies the files of migrations/ that this database has not had, in the order of their names; answers those names. */
export async function migrate(store: Store, signal?: AbortSignal): Promise<string[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).toSorted();
  return store.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await tx.query(
      'CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, apply_time timestamptz NOT NULL DEFAULT now())',
    );
    const rows = await tx.query<{ name: string }>('SELECT name FROM migrations');
    const applied = new Set(rows.map(({ name }) => name));
    const missing = files.filter((name) => !applied.has(name));
    for (const name of missing) {
      await tx.query(await readFile(new URL(name, FOLDER), 'utf8'));
      await tx.query('INSERT INTO migrations (name) VALUES ($1)', [name]);
    }
    return missing;
  }, signal);
}
