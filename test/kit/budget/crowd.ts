import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { costUs } from '../../../src/guard/budget/bucket.ts';
import type { Tier } from '../../../src/guard/budget/budget-store.ts';
import type { AdmittedPoints } from './history.ts';
import { reservationKey, type WorkerOptions } from './worker-options.ts';

/** What a crowd does. */
export interface CrowdOptions extends Omit<WorkerOptions, 'number' | 'name'> {
  readonly processes: number;
  readonly seconds: number;
  /** How many of them are killed (SIGKILL) while they spend, one after the other; each time another takes its place. */
  readonly kills: number;
}

/** All that a crowd did. */
export interface CrowdHistory {
  /** What each admitted operation really cost, at the moment when it was reserved; the estimate where it was not settled. */
  readonly admitted: readonly AdmittedPoints[];
  readonly refusedCount: number;
  /** Of those admitted: taken from a chunk; killed before they were settled. */
  readonly localCount: number;
  readonly orphanCount: number;
}

interface Worker {
  readonly process: ChildProcess;
  readonly lines: string[];
  readonly ready: Promise<unknown>;
  readonly ended: Promise<unknown>;
}

interface Operation {
  readonly atUs: number;
  readonly points: number;
  actual?: number;
  isSettled: boolean;
}

/** Lets processes spend one budget of one Redis at random for a while, and puts together what they were given. */
export async function runCrowd(options: CrowdOptions): Promise<CrowdHistory> {
  const { processes, seconds, kills } = options;
  const redis = new Redis(options.url);
  const all: Worker[] = [];
  const start = () => {
    const worker = startWorker({ ...options, number: all.length, name: `worker${all.length}` });
    all.push(worker);
    return worker;
  };
  try {
    const living = Array.from({ length: processes }, start);
    await Promise.all(living.map(({ ready }) => ready));
    for (const { process } of living) process.send('go');
    for (let turn = 0; turn <= kills; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, (seconds * 1000) / (kills + 1)));
      if (turn === kills) break;
      const victim = living.shift();
      if (!victim) break;
      await nextReservation(victim);
      victim.process.kill('SIGKILL');
      await victim.ended;
      const next = start();
      await next.ready;
      next.process.send('go');
      living.push(next);
    }
    for (const { process } of living) process.send('stop');
    await Promise.all(living.map(({ ended }) => ended));
    return await historyOf(
      redis,
      options.tier,
      all.flatMap(({ lines }) => lines),
    );
  } finally {
    for (const { process } of all) process.kill('SIGKILL');
    redis.disconnect();
  }
}

/** Resolves when it says that it has reserved: it has not settled that yet, most likely. */
function nextReservation({ process, ended }: Worker): Promise<unknown> {
  const reserved = new Promise<void>((resolve) => {
    const read = (text: string) => {
      if (!text.includes('reserved ')) return;
      process.stdout?.off('data', read);
      resolve();
    };
    process.stdout?.on('data', read);
  });
  return Promise.race([reserved, ended]);
}

function startWorker(options: WorkerOptions): Worker {
  const script = fileURLToPath(new URL('worker.ts', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const lines: string[] = [];
  let rest = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      if (lines.includes('ready')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`A process of the crowd ended (${code}).`)));
  });
  return { process: child, lines, ready, ended: once(child, 'close') };
}

async function historyOf(redis: Redis, tier: Tier, lines: readonly string[]): Promise<CrowdHistory> {
  const operations = new Map<string, Operation>();
  let refusedCount = 0;
  let localCount = 0;
  for (const line of lines) {
    const [word, id = '', ...rest] = line.split(' ');
    const [first = 0, second = 0] = rest.map(Number);
    const operation = operations.get(id);
    if (word === 'refused') refusedCount += 1;
    if (word === 'reserved') operations.set(id, { atUs: first, points: second, isSettled: false });
    if (word === 'reserved' && rest[2] === 'local') localCount += 1;
    if (word === 'settling' && operation) operation.actual = first;
    if (word === 'settled' && operation) operation.isSettled = true;
  }
  const orphans = await orphansOf(redis, tier);
  const admitted = [...operations].map(([id, { atUs, points, actual, isSettled }]) => {
    // Killed while it settled: the reservation is still there unless the settlement arrived.
    const wasSettled = isSettled || (actual !== undefined && !orphans.has(id));
    return { atUs, costUs: costUs(tier, wasSettled ? (actual ?? points) : points) };
  });
  // Killed before it could say so.
  const silent = [...orphans].flatMap(([id, orphan]) => (operations.has(id) ? [] : orphan));
  return {
    admitted: [...admitted, ...silent],
    refusedCount,
    localCount,
    orphanCount: orphans.size,
  };
}

/** Reservations that nobody settled, as Redis has them. */
async function orphansOf(redis: Redis, tier: Tier): Promise<ReadonlyMap<string, AdmittedPoints>> {
  const prefix = reservationKey(tier, '');
  const keys = (await redis.keys(`${prefix}*`)).filter((key) => key.startsWith(prefix));
  const found = new Map<string, AdmittedPoints>();
  for (const key of keys) {
    const [atUs = 0, cost = 0] = ((await redis.get(key)) ?? '').split(' ').map(Number);
    found.set(key.slice(prefix.length), { atUs, costUs: cost });
  }
  return found;
}
