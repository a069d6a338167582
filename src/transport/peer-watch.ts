import type { Clock } from '../clock.ts';
import type { Connections } from './connections.ts';
import { type ReadTcpTable, sendingLines, silentPeers } from './tcp-table.ts';

/** What a watch needs. */
export interface PeerWatchParts {
  readonly clock: Clock;
  readonly connections: Connections;
  /** How long a peer may be silent, in milliseconds. */
  readonly timeoutMs: number;
  readonly readTable: ReadTcpTable;
}

/** So much of the timeout passes between two looks. */
const lookShare = 0.25;

/**
 * Finds the peers of event streams that are gone without a word: a power cut, a network that was left. They answer no ping
 * as WebSockets do, and the kernel takes what is written to them for a quarter of an hour. It knows, though, to whom it sends
 * the same again and again: who acknowledges no heartbeat for the timeout is cut off. On Linux; elsewhere the kernel's own
 * bound holds.
 */
export class PeerWatch {
  readonly #parts: PeerWatchParts;
  #silentSince = new Map<string, number>();
  #isLooking = false;

  constructor(parts: PeerWatchParts) {
    this.#parts = parts;
  }

  /** Looks from now on, for as long as there are connections. */
  watch(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#lookLater();
  }

  #lookLater(): void {
    const { clock, connections, timeoutMs, readTable } = this.#parts;
    clock.after(timeoutMs * lookShare, () => {
      this.#isLooking = connections.open.size > 0;
      if (!this.#isLooking) return;
      void readTable(sendingLines).then((table) => {
        this.#look(silentPeers(table));
        this.#lookLater();
      });
    });
  }

  #look(silent: readonly string[]): void {
    const { clock, connections, timeoutMs } = this.#parts;
    const nowMs = clock.nowMs();
    this.#silentSince = new Map(silent.map((peer) => [peer, this.#silentSince.get(peer) ?? nowMs]));
    const gone = new Set<string>();
    for (const [peer, sinceMs] of this.#silentSince) if (nowMs - sinceMs >= timeoutMs) gone.add(peer);
    if (gone.size === 0) return;
    for (const connection of [...connections.open]) if (gone.has(connection.peer)) connection.destroy();
  }
}
