import type { Writable } from 'node:stream';

/**
 * What is written to a connection within one turn of the event loop leaves it together, at the end of the turn: a call of
 * the system costs more than all else that an event needs, and several events often come at once.
 */
export class WriteTurn {
  #corked: Writable[] = [];

  /** Holds back what is written to `stream` from now on, until this turn ends. */
  hold(stream: Writable): void {
    if (stream.writableCorked > 0) return;
    stream.cork();
    if (this.#corked.push(stream) === 1) setImmediate(() => this.#end());
  }

  #end(): void {
    const corked = this.#corked;
    this.#corked = [];
    for (const stream of corked) stream.uncork();
  }
}
