import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type PostgresOptions, startPostgres } from '../../upstreams/postgres.ts';
import { isAlive, postmasterOf, until } from './upstream-fixture.ts';

async function newDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-postgres-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function start(options: PostgresOptions) {
  const postgres = await startPostgres(options);
  onTestFinished(() => postgres.stop());
  return postgres;
}

async function sql(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

describe('startPostgres()', () => {
  it('startPostgres() keeps the data from one run to the next', async () => {
    const dataDir = await newDir();
    const first = await start({ dataDir });
    await sql(first.url, 'CREATE TABLE kept AS SELECT 7 AS n');
    await first.stop();
    await first.stop();
    await expect(sql(first.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
    const second = await start({ dataDir });
    expect(await sql(second.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  it('startPostgres() is Postgres 18, compares text by byte and knows letters beyond ASCII', async () => {
    const { url } = await start({ dataDir: await newDir(), persistent: false });
    expect(await sql(url, 'SHOW server_version_num')).toMatchObject([
      { server_version_num: expect.stringMatching(/^18/) },
    ]);
    expect(await sql(url, `SELECT 'Z' < 'a' AS by_byte, 'É' ILIKE 'é' AS unicode`)).toEqual([
      { by_byte: true, unicode: true },
    ]);
  });

  it('startPostgres() lets nobody in without the password', async () => {
    const { url } = await start({ dataDir: await newDir(), persistent: false });
    await expect(sql(url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(
      'authentication failed',
    );
  });

  it('startPostgres() removes its data at the end when it is not to persist', async () => {
    const dataDir = await newDir();
    const postgres = await start({ dataDir, persistent: false });
    await postgres.stop();
    expect(await isThere(dataDir)).toBe(false);
  });

  it('startPostgres() starts again on a cluster whose server was killed', async () => {
    const dataDir = await newDir();
    const first = await start({ dataDir });
    await sql(first.url, 'CREATE TABLE kept AS SELECT 7 AS n');
    const pid = await postmasterOf(dataDir);
    process.kill(pid, 'SIGKILL');
    await until(async () => !isAlive(pid));
    expect(await isThere(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(true);
    const second = await start({ dataDir });
    expect(await sql(second.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  it('startPostgres() takes a lock whose process number is another program by now for stale', async () => {
    const dataDir = await newDir();
    await (await start({ dataDir })).stop();
    await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), `${process.ppid}\n/x\n0\n1\n\n127.0.0.1\n`);
    const { url } = await start({ dataDir });
    expect(await sql(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(isAlive(process.ppid)).toBe(true);
  });

  it('startPostgres() shares a server that runs, and does not stop it', async () => {
    const dataDir = await newDir();
    const owner = await start({ dataDir });
    const guest = await start({ dataDir });
    expect(guest.url).toBe(owner.url);
    await guest.stop();
    expect(await sql(owner.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('startPostgres() makes the cluster anew when an earlier start was cut off', async () => {
    const dataDir = await newDir();
    await mkdir(join(dataDir, 'postgres.new', 'base'), { recursive: true });
    const { url } = await start({ dataDir });
    expect(await sql(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('startPostgres() says what is wrong when its port is taken', async () => {
    const { url } = await start({ dataDir: await newDir(), persistent: false });
    const dataDir = await newDir();
    await expect(startPostgres({ dataDir, port: Number(new URL(url).port) })).rejects.toThrow(
      /did not start.*in use/s,
    );
  });

  it('startPostgres() works below a directory that is closed to others', async () => {
    const dataDir = await newDir();
    await chmod(dataDir, 0o700);
    const { url } = await start({ dataDir: join(dataDir, 'inner') });
    expect(await sql(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('startPostgres() leaves no server when its process is killed', async () => {
    const dataDir = await newDir();
    const code = `
      const { startPostgres } = await import(${JSON.stringify(new URL('../../upstreams/postgres.ts', import.meta.url).href)});
      await startPostgres({ dataDir: ${JSON.stringify(dataDir)} });
      console.log('ready');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const pid = await postmasterOf(dataDir);
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGKILL');
    await until(async () => !isAlive(pid));
    expect(await isThere(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
  });
});
