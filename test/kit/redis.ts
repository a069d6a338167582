import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Redis of the test's own. */
export interface TestRedis {
  readonly url: string;
  /** Ends the server. Idempotent. */
  stop(): Promise<void>;
}

const startAttempts = 5;

/** Runs under a lock: `apt-get update` of two runs at once fails in one of them. The second finds it done. */
const installScript = `
set -e
command -v redis-server && exit
apt-get update
apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=120 redis-server`;

/** Starts a Redis that keeps nothing on disk, on a free port. Where there is none it is installed, if that is possible. */
export async function startRedis(): Promise<TestRedis> {
  await installRedis();
  for (let attempt = 1; attempt <= startAttempts; attempt += 1) {
    const redis = await launch(await freePort());
    if (redis) return redis;
  }
  throw new Error('redis-server did not start: see what it said above.');
}

/** Answers nothing when the server ended at once: somebody took the port between our look and its start. */
async function launch(port: number): Promise<TestRedis | undefined> {
  const settings = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir: '/tmp', daemonize: 'no' };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      process.off('exit', kill);
      resolve();
    });
  });
  const isReady = new Promise<true>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve(true);
    });
  });
  if (!(await Promise.race([isReady, ended]))) return undefined;
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { url: `redis://127.0.0.1:${port}`, stop };
}

/** Finds Redis on this machine, or installs it where that is possible. */
export async function installRedis(): Promise<void> {
  if (await hasRedis()) return;
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    throw new Error(
      'redis-server is not on PATH: install Redis (Debian: apt-get install redis-server) and run again.',
    );
  }
  await run('flock', [join(tmpdir(), 'install-redis.lock'), 'sh', '-c', installScript]);
}

async function hasRedis(): Promise<boolean> {
  return run('redis-server', ['--version']).then(
    () => true,
    () => false,
  );
}

/** A port of loopback that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('The loopback address gave no port.');
  return address.port;
}
