import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A network of its own on this machine, with one line to it. */
export interface FarNetwork {
  /** This machine, as seen from there. */
  readonly hereAddress: string;
  /** What runs a program there: the words before it. */
  readonly command: readonly string[];
  /** Cuts the line: nothing arrives any more, and nobody is told. */
  readonly cut: () => Promise<void>;
}

/** Addresses of a block that is nobody's (RFC 5737). */
const [hereAddress, farAddress] = ['198.51.100.1', '198.51.100.2'];

/** Makes one; needs root and `ip` of iproute2. The stack takes it down. */
export async function openFarNetwork(stack: AsyncDisposableStack): Promise<FarNetwork> {
  const name = `weir-${process.pid}`;
  const [near, far] = [`wn${process.pid}`, `wf${process.pid}`];
  const ip = async (...args: readonly string[]) => void (await run('ip', [...args]));
  const there = (...args: readonly string[]) => ip('-n', name, ...args);
  await ip('netns', 'add', name).catch((cause: unknown) => {
    throw new Error('expected root and `ip` (iproute2), which make a network namespace', { cause });
  });
  stack.defer(() => ip('netns', 'delete', name));
  await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
  // Both ends: the namespace would take its own down at some later time.
  stack.defer(() => ip('link', 'delete', near));
  await ip('address', 'add', `${hereAddress}/30`, 'dev', near);
  await there('address', 'add', `${farAddress}/30`, 'dev', far);
  await ip('link', 'set', near, 'up');
  await there('link', 'set', far, 'up');
  while (!(await run('ip', ['-n', name, 'link', 'show', far])).stdout.includes('state UP')) await sleep(20);
  return {
    hereAddress,
    command: ['ip', 'netns', 'exec', name],
    cut: () => there('link', 'set', far, 'down'),
  };
}
