import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pinnedCommand } from './cores.ts';
import type { Usage } from './probe.ts';

/** The flags of every measured process: the same for all, and those that Weir is started with. */
const nodeFlags = [
  '--max-semi-space-size=64',
  '--import',
  fileURLToPath(new URL('probe.ts', import.meta.url)),
];

/** How long a process may take to be ready, and to end. */
const readyMs = 120_000;
const endMs = 10_000;

/** What to run. */
export interface ProgramOptions {
  readonly name: string;
  /** Script and arguments. */
  readonly args: readonly string[];
  /** Words before the program, such as what runs it in another network. */
  readonly within?: readonly string[];
  /** Absent: this one's. */
  readonly folder?: string | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  /** Cores, as `taskset -c` takes them; absent: any. */
  readonly cores?: string | undefined;
  /** What it prints when it is ready; the first group is its address. */
  readonly ready: RegExp;
  /** Folder to write a CPU profile to at its end. */
  readonly profileFolder?: string | undefined;
}

/** A process of the benchmark. */
export interface Program {
  readonly name: string;
  readonly address: string;
  /** What else it said before it was ready, as lines `NAME on ADDRESS`, by their names. */
  readonly facts: Readonly<Record<string, string>>;
  /** Asks the process itself; it must know the question. */
  readonly ask: <Answer>(question: string) => Promise<Answer>;
  readonly usage: () => Promise<Usage>;
  /** Begins its CPU profile, where one is wanted. */
  readonly profile: () => Promise<unknown>;
  /** Ends it, by its pid, and waits for that. Idempotent. */
  readonly end: () => Promise<void>;
}

/** Starts a Node process that ends with this one, and resolves when it is ready. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { name, folder = process.cwd(), profileFolder } = options;
  const flags = [...nodeFlags, ...options.args];
  const pinned = pinnedCommand(options.cores, process.execPath, flags);
  const [program = '', ...args] = [...(options.within ?? []), pinned.program, ...pinned.args];
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      ...ownEnvironment(),
      ...options.environment,
      ...(profileFolder && { BENCH_PROFILE: join(profileFolder, `${name}.cpuprofile`) }),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C goes to this process alone, which then ends the others in order.
    detached: true,
  });
  const end = endOnce(child);
  try {
    const { address, facts } = await readyAddress(child, options);
    const ask = <Answer>(question: string) => askChild<Answer>(child, name, question);
    return {
      name,
      address,
      facts,
      ask,
      usage: () => ask<Usage>('usage'),
      profile: () => ask('profile'),
      end,
    };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

/** Ours, without what would make one contestant another than it is. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([variable]) => !/^(WEIR_|NODE_|DATABASE_URL|REDIS_URL|SHOP_FAULTS)/.test(variable),
  );
  return Object.fromEntries(kept);
}

function readyAddress(
  child: ChildProcess,
  { name, ready }: ProgramOptions,
): Promise<Pick<Program, 'address' | 'facts'>> {
  let output = '';
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${name} ${why}:\n${output.slice(-4000)}`));
    const timer = setTimeout(() => fail(`was not ready within ${readyMs} ms`), readyMs);
    const read = (text: string) => {
      // Enough to say why it did not start; a process that talks all the time fills no memory.
      output = (output + text).slice(-20_000);
      const address = ready.exec(output)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', read);
      child.stdout?.resume();
      // Whatever it says of its faults is for whoever runs the benchmark.
      child.stderr?.pipe(process.stderr, { end: false });
      resolve({ address, facts: factsFrom(output) });
    };
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', read);
    child.once('error', (error) => fail(`cannot be started (${error.message})`));
    child.once('close', (code) => {
      clearTimeout(timer);
      fail(`ended (${code})`);
    });
  });
}

function factsFrom(output: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from(output.matchAll(/^(\w+) on (\S+)$/gm), ([, name, said]) => [name, said]),
  );
}

function askChild<Answer>(child: ChildProcess, name: string, question: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error(`${name} ended while it was measured`));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer as Answer); // as: our own process, which harness/probe.ts and the peers answer for
    });
    child.send(question);
  });
}

function endOnce(child: ChildProcess): () => Promise<void> {
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return async () => {
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), endMs);
    await ended;
    clearTimeout(timer);
  };
}
