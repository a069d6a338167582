// Loaded before a measured process's own code (--import): answers its parent's questions, and ends with it.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

/** What a process has used since it began. */
export interface Usage {
  /** User and system time of all threads, in microseconds. */
  readonly cpuUs: number;
  readonly rssBytes: number;
}

/** What a process still holds when its garbage has been collected. */
export interface Held {
  readonly rssBytes: number;
  /** Of the heap, and of buffers beside it. */
  readonly heapBytes: number;
}

/** Profiling begins where the measured slices do: what it takes to start and to warm up is another matter. */
const profileFile = process.env['BENCH_PROFILE'];

process.on('message', async (question) => {
  if (question === 'usage') process.send?.(usage());
  if (question === 'held') process.send?.(await held());
  if (question === 'profile') process.send?.(await startProfile());
});
process.on('disconnect', async () => {
  await endProfile();
  // Whoever has something to tidy up listens for the signal; the others just end.
  if (process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM');
  else process.exit(0);
});

let session: Session | undefined;

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, rssBytes: process.memoryUsage.rss() };
}

/** Twice: what a first collection lets go of may itself hold something. */
async function held(): Promise<Held> {
  const collector = new Session();
  collector.connect();
  for (let round = 0; round < 2; round += 1) {
    await collector.post('HeapProfiler.collectGarbage');
    await new Promise((resolve) => setImmediate(resolve));
  }
  collector.disconnect();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rssBytes: rss, heapBytes: heapUsed + external };
}

async function startProfile(): Promise<{ readonly isOn: boolean }> {
  if (profileFile === undefined) return { isOn: false };
  session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 500 });
  await session.post('Profiler.start');
  return { isOn: true };
}

async function endProfile(): Promise<void> {
  if (profileFile === undefined || session === undefined) return;
  const { profile } = await session.post('Profiler.stop');
  writeFileSync(profileFile, JSON.stringify(profile));
}
