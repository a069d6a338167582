// Runs processes side by side as one: all become ready, all stop together.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How long a process may take to stop when asked, before it is killed. */
const stopTimeoutMs = 10_000;

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {string} command
 * @property {readonly string[]} args
 */

/**
 * Starts every part, passes on what it prints, and calls `onReady` with the ready lines by name once each part has printed a
 * line with "ready on". SIGINT or SIGTERM to this process stops all parts, the last one first; so does the end of one part.
 *
 * Each part leads a process group of its own: Ctrl-C in a terminal reaches this process alone, which stops the parts in order.
 *
 * @param {readonly Part[]} parts
 * @param {(lines: Readonly<Record<string, string>>) => void} onReady
 * @returns {Promise<number>} the exit code: 0 when it was asked to stop and every part ended well
 */
export async function supervise(parts, onReady) {
  const readyLines = {};
  let isStopping = false;
  let exitCode = 0;
  const running = parts.map((part) => startPart(part, onLine));
  const stopped = Promise.all(running.map(watch));
  const stop = async () => {
    if (isStopping) return;
    isStopping = true;
    for (const part of running.toReversed()) await stopPart(part);
  };
  // npm passes a signal on that the terminal has sent to everybody, so a second one is no sign of impatience.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, stop);
  await stopped;
  for (const signal of signals) process.off(signal, stop);
  return exitCode;

  function onLine(name, line) {
    console.log(line);
    if (name in readyLines || !/\bready on\b/.test(line)) return;
    readyLines[name] = line;
    if (Object.keys(readyLines).length === parts.length && !isStopping) onReady(readyLines);
  }

  async function watch(part) {
    const end = await part.ended;
    if (end !== 'exit code 0' || !isStopping) exitCode ||= 1;
    if (isStopping) return;
    // A part that never got ready has said why itself.
    if (part.name in readyLines || !part.hasComplained()) {
      console.error(`The ${part.name} ended (${end}), so everything stops.`);
    }
    await stop();
  }
}

function startPart({ name, command, args }, onLine) {
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let hasComplained = false;
  child.stderr.on('data', (bytes) => {
    hasComplained = true;
    process.stderr.write(bytes);
  });
  createInterface({ input: child.stdout }).on('line', (line) => onLine(name, line));
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // Not at 'exit': what it printed last comes after that.
    child.once('close', (code, signal) => resolve(code === null ? signal : `exit code ${code}`));
  });
  return { name, child, ended, hasComplained: () => hasComplained };
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

/** The part and what it started itself, such as a database. */
function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
