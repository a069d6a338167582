// Installs what package-lock.json names into node_modules, unless it is there. Runs on any Node from 20 with nothing installed.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, '.weir', 'setup.lock');

/** The Node that everything runs on after set-up. */
export const pinnedNode = join(root, 'node_modules', '.bin', 'node');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await setUp();

/** Installs if needed, one process at a time. Ends the process with a line that says why when it cannot. */
export async function setUp() {
  if (isInstalled()) return;
  const unlock = await lockSetUp();
  try {
    // Another process may have done it while this one waited.
    if (!isInstalled()) await install();
  } finally {
    unlock();
  }
}

function isInstalled() {
  const wanted = readPackages('package-lock.json');
  const installed = readPackages(join('node_modules', '.package-lock.json'));
  return isSame(wanted, installed) && pinnedNodeVersion() === `v${wanted['node_modules/node'].version}`;
}

/**
 * Whether npm's own record of what it installed is what the lock file asks for. Optional packages may be missing: they are
 * those of other platforms.
 */
export function isSame(wanted, installed) {
  const key = ({ version, integrity }) => `${version} ${integrity}`;
  const isThere = ([path, entry]) =>
    installed[path] ? key(installed[path]) === key(entry) : path === '' || entry.optional === true;
  return Object.entries(wanted).every(isThere) && Object.keys(installed).every((path) => path in wanted);
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch (error) {
    // npm writes its record last, so there is none before the first installation and after one that was interrupted.
    if (error.code === 'ENOENT' && path !== 'package-lock.json') return {};
    throw error;
  }
}

function pinnedNodeVersion() {
  try {
    return execFileSync(pinnedNode, ['--version'], { encoding: 'utf8' }).trim();
  } catch {
    return 'none';
  }
}

async function install() {
  const startMs = Date.now();
  const seconds = () => Math.round((Date.now() - startMs) / 1000);
  console.error('Installing what package-lock.json names (npm ci) ...');
  const ticker = setInterval(() => console.error(`  still installing, ${seconds()} s`), 10_000);
  // Packages that want a newer Node than the one npm runs on get it: the pinned one. So npm's warnings mean nothing here.
  const exitCode = await run('npm', ['ci', '--loglevel=error']);
  clearInterval(ticker);
  if (exitCode !== 0) fail('npm ci failed; what it said stands above.');
  if (!isInstalled()) {
    fail(
      `npm ci left node_modules incomplete (its Node is ${pinnedNodeVersion()}): remove node_modules, run again.`,
    );
  }
  console.error(`Installed in ${seconds()} s.`);
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const shell = process.platform === 'win32';
    const child = spawn(command, args, { cwd: root, shell, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Waits until no other process sets up in this folder; answers what ends this one's turn. */
async function lockSetUp() {
  mkdirSync(dirname(lockFile), { recursive: true });
  let isTold = false;
  while (!takeLock()) {
    if (!isTold) console.error('Another process is installing in this folder: waiting for it ...');
    isTold = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const unlock = () => rmSync(lockFile, { force: true });
  process.once('exit', unlock);
  return unlock;
}

function takeLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!isRunning(Number(readLock()))) rmSync(lockFile, { force: true });
    return false;
  }
}

function readLock() {
  try {
    return readFileSync(lockFile, 'utf8');
  } catch {
    return '';
  }
}

/** Whether there is such a process. A lock that is being written is empty: its owner counts as running. */
function isRunning(pid) {
  if (pid === 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function fail(line) {
  console.error(line);
  process.exit(1);
}
