import type { Server } from 'node:http';
import { systemClock } from '../clock.ts';

/**
 * Refuses new connections at once, then drains the long ones, then cuts off what has not ended by itself by `timeoutMs`:
 * with a connection goes its operation's signal, so that what it waits for is cancelled.
 */
export async function closeServer(
  server: Server,
  timeoutMs: number,
  drain: () => Promise<void>,
): Promise<void> {
  const untilMs = systemClock.nowMs() + timeoutMs;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await drain();
  const leftMs = Math.max(0, untilMs - systemClock.nowMs());
  const cancelTimer = systemClock.after(leftMs, () => server.closeAllConnections());
  await closed;
  cancelTimer();
}
