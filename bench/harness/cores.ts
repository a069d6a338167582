import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Which cores the servers under test run on, and which all else does; null where this machine cannot pin. */
export interface Cores {
  readonly server: string;
  readonly others: string;
}

/** The last core for the servers, the others for the load and the upstreams. Needs `taskset` and two cores. */
export function chooseCores(): Cores | null {
  const last = availableParallelism() - 1;
  if (last < 1 || spawnSync('taskset', ['--version']).error) return null;
  return { server: String(last), others: last === 1 ? '0' : `0-${last - 1}` };
}

/** The command that runs `program` on the cores of `list`. */
export function pinnedCommand(list: string | undefined, program: string, args: readonly string[]) {
  return list === undefined
    ? { program, args: [...args] }
    : { program: 'taskset', args: ['-c', list, program, ...args] };
}

/** Moves this process, all of its threads, to the cores of `list`. */
export function pinSelf(list: string): void {
  const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', list, String(process.pid)]);
  if (status !== 0) throw new Error(`taskset: ${stderr}`);
}
