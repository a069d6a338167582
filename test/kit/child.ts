import { type ChildProcess, spawn } from 'node:child_process';

/** A process of a test, with all that it has printed. */
export interface Child {
  readonly process: ChildProcess;
  /** Standard output and error so far. */
  readonly output: () => string;
  /** Resolves with all output once it has `pattern`; rejects when the process ends without it. */
  readonly printed: (pattern: RegExp) => Promise<string>;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** Starts a program on the Node of this process. End it in the test, with a signal to its own pid. */
export function startNode(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Child {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const look of waiting) look();
    });
  }
  // A test that dies takes it along.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => {
      process.off('exit', kill);
      resolve(code ?? signal ?? 'unknown');
    });
  });
  const printed = async (pattern: RegExp) => {
    const found = new Promise<true>((resolve) => {
      const look = () => pattern.test(output) && resolve(true);
      waiting.add(look);
      look();
    });
    const end = await Promise.race([found, ended]);
    if (end !== true && !pattern.test(output))
      throw new Error(`It ended (${end}) without ${pattern}: ${output}`);
    return output;
  };
  return { process: child, output: () => output, printed, ended };
}
