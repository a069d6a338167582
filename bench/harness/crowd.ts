import {
  openSubscriber,
  type RawSubscriber,
  type SubscriberTransport,
} from '../../test/kit/events/raw-subscriber.ts';
import { eventMark } from '../../test/kit/events/schema.ts';
import type { Client } from './client.ts';
import { type Publication, publishRequest, withClient } from './event-server.ts';

/** Who subscribes to a feed. */
export interface CrowdOptions {
  readonly url: URL;
  readonly transport: SubscriberTransport;
  readonly feed: 'log' | 'mine';
  readonly size: number;
  /** The token of each subscriber, by its number. Absent: nobody has one. */
  readonly tokens?: readonly string[] | undefined;
}

const markByte = eventMark.charCodeAt(0);
/** Connections that are opened at once. */
const openingWidth = 50;
/** Deliveries that take longer have failed. */
const deliveryMs = 30_000;

/** Subscribers of one feed, each on a connection of its own, which count what comes and look at nothing. */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #subscribers: RawSubscriber[] = [];
  #received = 0;
  #receivedBytes = 0;
  #published = 0;
  #lost = 0;
  readonly #waiting = new Set<{ readonly target: number; readonly resolve: () => void }>();

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** Events that came, of all subscribers. */
  get received(): number {
    return this.#received;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get published(): number {
    return this.#published;
  }

  /** Subscribes, and resolves when all have had an event. */
  async open(): Promise<void> {
    const { size } = this.#options;
    for (let from = 0; from < size; from += openingWidth) {
      const some = Array.from({ length: Math.min(openingWidth, size - from) }, (_, index) => from + index);
      this.#subscribers.push(...(await Promise.all(some.map((number) => this.#subscribe(number)))));
    }
    await this.#untilSubscribed();
  }

  /** Publishes one event and resolves when everybody has it. */
  async publish(client: Client, bytes: number): Promise<void> {
    this.#published += 1;
    const target = this.#published * this.#options.size;
    const publication = { feed: this.#options.feed, first: this.#published, count: 1, bytes };
    await client.ask(publishRequest(this.#options.url, publication));
    await this.#until(target);
  }

  /** Connections that ended without having been closed here. */
  get lost(): number {
    return this.#lost;
  }

  close(): void {
    for (const { close } of this.#subscribers.splice(0)) close();
  }

  #subscribe(number: number): Promise<RawSubscriber> {
    const { url, transport, feed, tokens } = this.#options;
    const query = `subscription { ${feed} { number text } }`;
    const onData = (chunk: Buffer) => this.#count(chunk);
    const onClose = () => {
      this.#lost += 1;
    };
    return openSubscriber({ transport, url, query, token: tokens?.[number], onData, onClose });
  }

  /** No stock server tells when a subscription runs: events are published until all have one. */
  async #untilSubscribed(): Promise<void> {
    const { url, feed, size } = this.#options;
    const untilMs = performance.now() + deliveryMs;
    await withClient(url, async (client) => {
      for (;;) {
        const before = this.#received;
        const publication: Publication = { feed, first: 0, count: 1, bytes: 1 };
        await client.ask(publishRequest(url, publication));
        await this.#quiet();
        if (this.#received - before === size) break;
        if (performance.now() > untilMs)
          throw new Error(`${url.href}: ${this.#received - before} of ${size} subscribers have an event`);
      }
    });
    this.#received = 0;
    this.#receivedBytes = 0;
  }

  /** Nothing has come for a while. */
  async #quiet(): Promise<void> {
    let before = -1;
    while (before !== this.#received) {
      before = this.#received;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  #count(chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    for (let at = chunk.indexOf(markByte); at >= 0; at = chunk.indexOf(markByte, at + 1)) this.#received += 1;
    for (const waiter of this.#waiting) {
      if (this.#received < waiter.target) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }

  #until(target: number): Promise<void> {
    if (this.#received >= target) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = () => {
        const state = `${this.#received} of ${target} deliveries, ${this.#lost} connections lost`;
        reject(new Error(`${this.#options.url.href}: ${state} within ${deliveryMs} ms`));
      };
      const timer = setTimeout(late, deliveryMs);
      const settle = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.add({ target, resolve: settle });
    });
  }
}
