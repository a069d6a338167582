import { systemClock } from '../clock.ts';
import type { GraphListener } from './listener.ts';

/**
 * Refuses new connections at once, then drains the long ones, then cuts off what has not ended by itself by `timeoutMs`:
 * with a connection goes its operation's signal, so that what it waits for is cancelled.
 */
export async function closeServer(
  server: Pick<GraphListener, 'close' | 'closeIdleConnections' | 'closeAllConnections'>,
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
