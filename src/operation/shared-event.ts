import type { OverflowPolicy } from '../realtime/queue.ts';
import type { Delivered } from '../realtime/sink.ts';

/** What is known of an event when it has been executed. */
export interface SharedEventParts {
  readonly json: string;
  readonly cursor: string | undefined;
  readonly policy: OverflowPolicy;
  readonly coalesceKey: string | undefined;
  /** Calls upstream that its execution made. */
  readonly upstreamCalls: number;
}

/** An event executed for an audience, with its frames: each encoding is made once. */
export class SharedEvent implements Delivered {
  readonly json: string;
  readonly cursor: string | undefined;
  readonly policy: OverflowPolicy;
  readonly coalesceKey: string | undefined;
  readonly upstreamCalls: number;
  readonly #frames = new Map<string, Buffer>();

  constructor({ json, cursor, policy, coalesceKey, upstreamCalls }: SharedEventParts) {
    this.json = json;
    this.cursor = cursor;
    this.policy = policy;
    this.coalesceKey = coalesceKey;
    this.upstreamCalls = upstreamCalls;
  }

  frame(encoding: string, encode: (delivered: Delivered) => Buffer): Buffer {
    const known = this.#frames.get(encoding);
    if (known) return known;
    const made = encode(this);
    this.#frames.set(encoding, made);
    return made;
  }
}
