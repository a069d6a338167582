import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { seedDatabase } from '../../seed/seed.ts';
import { migrate } from '../../upstreams/migrate.ts';
import { createStore } from '../../upstreams/store.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The administrator's address of the run's Postgres. */
    postgresUrl: string;
  }
}

/** A database of one test file. */
export interface TestDatabase {
  readonly url: string;
  /** Ends the connections that are left and removes the database. */
  drop(): Promise<void>;
}

/** What a new database holds: the default seed, or the tables alone. */
export type TestDatabaseContent = 'seeded' | 'empty';

const templates = { seeded: 'template_seeded', empty: 'template_empty' } as const satisfies Readonly<
  Record<TestDatabaseContent, string>
>;

/** A database of its own for a test file, copied from the template of that content; drop it in afterAll. */
export async function createTestDatabase(content: TestDatabaseContent = 'seeded'): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await runSql(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${templates[content]} STRATEGY FILE_COPY`);
  return {
    url: databaseUrl(adminUrl, name),
    drop: () => runSql(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/** Makes the templates: once per run, before the first test. */
export async function prepareTemplates(adminUrl: string): Promise<void> {
  await runSql(adminUrl, `CREATE DATABASE ${templates.empty}`);
  await migrateDatabase(databaseUrl(adminUrl, templates.empty));
  await runSql(adminUrl, `CREATE DATABASE ${templates.seeded} TEMPLATE ${templates.empty}`);
  await seedDatabase({ url: databaseUrl(adminUrl, templates.seeded) });
}

async function migrateDatabase(url: string): Promise<void> {
  const store = createStore({ url });
  try {
    await migrate(store);
  } finally {
    await store.close();
  }
}

function databaseUrl(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function runSql(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
