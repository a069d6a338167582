// Runs processes as one: they start one after the other, and all stop together.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How long a process may take to stop when asked, before it is killed. */
const stopTimeoutMs = 10_000;

/**
 * One process of several. It is ready once it prints a line with "ready on ADDRESS".
 *
 * @typedef {object} Part
 * @property {string} name
 * @property {string} command
 * @property {readonly string[]} args
 * @property {(addresses: Readonly<Record<string, string>>) => NodeJS.ProcessEnv} [environment] what it gets, by the
 *   addresses of the parts before it; by default what this process has
 */

/**
 * Starts each part when the one before it is ready, passes on what they print, and calls `onReady` with their addresses when
 * all are. SIGINT or SIGTERM to this process stops the parts, the last one first; so does the end of any of them.
 *
 * Each part's standard input stays open as long as this process lives, so that a part can end with it.
 * Each part leads a process group of its own: Ctrl-C in a terminal reaches this process alone, which stops them in order.
 *
 * @param {readonly Part[]} parts
 * @param {(addresses: Readonly<Record<string, string>>) => void} [onReady]
 * @returns {Promise<number>} the exit code: 0 when it was asked to stop and every part ended well
 */
export async function supervise(parts, onReady = () => {}) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const stopping = new AbortController();
  // npm passes a signal on that the terminal has sent to everybody, so a second one is no sign of impatience.
  const stop = () => stopping.abort();
  for (const signal of signals) process.on(signal, stop);
  try {
    return await runParts(parts, onReady, stopping);
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

async function runParts(parts, onReady, stopping) {
  const running = [];
  const addresses = {};
  for (const part of parts) {
    if (stopping.signal.aborted) break;
    const started = startPart(part, addresses);
    running.push(started);
    started.ended.then(() => stopping.abort());
    addresses[part.name] = await Promise.race([started.ready, aborted(stopping.signal)]);
  }
  if (!stopping.signal.aborted) onReady(addresses);
  await aborted(stopping.signal);
  const [culprit] = running.filter((part) => part.end !== undefined);
  // A part that never got ready has said why itself.
  if (culprit && (culprit.isReady || !culprit.hasComplained)) {
    console.error(`The ${culprit.name} ended (${culprit.end}), so everything stops.`);
  }
  for (const part of running.toReversed()) await stopPart(part);
  return culprit || running.some((part) => part.end !== 'exit code 0') ? 1 : 0;
}

function startPart({ name, command, args, environment }, addresses) {
  const env = environment ? environment(addresses) : undefined;
  const child = spawn(command, args, {
    detached: true,
    stdio: 'pipe',
    ...(env && { env }),
  });
  const part = { name, child, isReady: false, hasComplained: false, end: undefined };
  child.stderr.on('data', (bytes) => {
    part.hasComplained = true;
    process.stderr.write(bytes);
  });
  part.ready = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      console.log(line);
      const address = /\bready on (\S+)/.exec(line)?.[1];
      if (address) part.isReady = true;
      if (address) resolve(address);
    });
  });
  part.ended = new Promise((resolve) => {
    const end = (how) => {
      part.end = how;
      resolve();
    };
    child.once('error', (error) => end(error.message));
    // Not at 'exit': what it printed last comes after that.
    child.once('close', (code, signal) => end(code === null ? signal : `exit code ${code}`));
  });
  return part;
}

async function stopPart({ name, child, ended }) {
  child.kill('SIGTERM');
  const killer = setTimeout(() => {
    console.error(`The ${name} did not stop within ${stopTimeoutMs / 1000} s: killed.`);
    killGroup(child.pid);
  }, stopTimeoutMs);
  await ended;
  clearTimeout(killer);
}

/** The part and what it started in its group. */
function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function aborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
