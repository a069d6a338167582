import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../upstreams/postgres.ts';
import { prepareTemplates } from './postgres.ts';

/** One private Postgres for the run: it ends with this process, however that ends. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'weir-test-'));
  const postgres = await startPostgres({ dataDir, persistent: false });
  try {
    await prepareTemplates(postgres.url);
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  project.provide('postgresUrl', postgres.url);
  return () => postgres.stop();
}
