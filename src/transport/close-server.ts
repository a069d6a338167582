import { systemClock } from '../clock.ts';
import type { GraphListener } from './listener.ts';

/** What takes its leave before a server is closed. */
export interface Leaving {
  /** Sends the long connections away. */
  readonly drain: () => Promise<void>;
  /** Ends what goes on, as its protocol ends it, before it is cut off. */
  readonly finish: () => Promise<void>;
}

const nothing: Leaving = { drain: async () => {}, finish: async () => {} };

/**
 * Refuses new connections at once, then drains the long ones, then ends and cuts off what has not ended by itself by
 * `timeoutMs`: with a connection goes its operation's signal, so that what it waits for is cancelled.
 */
export async function closeServer(
  server: Pick<GraphListener, 'close' | 'closeIdleConnections' | 'closeAllConnections'>,
  timeoutMs: number,
  { drain, finish }: Leaving = nothing,
): Promise<void> {
  const untilMs = systemClock.nowMs() + timeoutMs;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await drain();
  const leftMs = Math.max(0, untilMs - systemClock.nowMs());
  const cutOff = () => server.closeAllConnections();
  const cancelTimer = systemClock.after(leftMs, () => void finish().then(cutOff, cutOff));
  await closed;
  cancelTimer();
}
