import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connections } from './connections.ts';

/** Connections that are ended before others of this process have their turn: about 5 ms of it. */
const endsPerTurn = 100;

/**
 * What ends, each time it is called, the connections whose tokens are revoked by then. However often it is called while it
 * is at that, there is one more round.
 */
export function createRevokedEnder({ open }: Connections): () => void {
  let isWanted = false;
  let isRunning = false;
  const run = async () => {
    isRunning = true;
    while (isWanted) {
      isWanted = false;
      await endRevoked(open);
    }
    isRunning = false;
  };
  return () => {
    isWanted = true;
    if (!isRunning) void run();
  };
}

async function endRevoked(open: Connections['open']): Promise<void> {
  let ended = 0;
  for (const connection of open) {
    if (!connection.endIfRevoked()) continue;
    ended += 1;
    if (ended % endsPerTurn === 0) await nextTurn();
  }
}
