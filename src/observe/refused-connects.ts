import type { CancelTimer, Clock } from '../clock.ts';
import type { Log } from './log.ts';

/** Tells of connections that were not taken, however many they are. */
export interface RefusedConnects {
  /** One more was not taken; `reason` is of the closed list of reasons. */
  readonly add: (transport: string, reason: string) => void;
  /** Tells what was not told yet. Idempotent. */
  readonly close: () => void;
}

/** Milliseconds that one line tells of. */
const lineMs = 1000;

/** Writes at most one line a second, with the number of each transport and reason. */
export function createRefusedConnects(log: Log, clock: Clock): RefusedConnects {
  let counts = new Map<string, number>();
  let cancelTimer: CancelTimer | undefined;
  const tell = () => {
    cancelTimer?.();
    cancelTimer = undefined;
    if (counts.size === 0) return;
    const refused = Object.fromEntries(counts);
    counts = new Map();
    log.warn({ refused }, 'connections were sent away');
  };
  return {
    add: (transport, reason) => {
      const key = `${transport} ${reason}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      cancelTimer ??= clock.after(lineMs, tell);
    },
    close: tell,
  };
}
