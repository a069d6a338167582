import { EventSource } from 'eventsource';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import WebSocket from 'ws';
import { preflighted } from '../../test/kit/tiny-gateway.ts';
import { feedQuery } from './feed-instances.ts';

/** Packages that come back by themselves, unmodified and with their defaults. */
export const returningKinds = ['graphql-ws', 'graphql-sse', 'graphql-sse-single', 'EventSource'] as const;

/** One of them. */
export type ReturningKind = (typeof returningKinds)[number];

/** What a reader of the feed is given, and when it was let in. */
export class ReturningReader {
  readonly kind: ReturningKind;
  /** Why it has given up for good; undefined while it has not. */
  failure: unknown;
  last = 0;
  lost = 0;
  repeated = 0;
  #connectedMs = 0;
  #inMs = 0;
  readonly #close: () => void;
  readonly #waiting = new Set<() => void>();

  constructor(kind: ReturningKind, url: URL) {
    this.kind = kind;
    this.#close = openers[kind](url, {
      connected: () => {
        this.#connectedMs = performance.now();
      },
      event: (number) => this.#take(number),
      failed: (failure) => {
        this.failure = failure ?? 'ended';
        this.#look();
      },
    });
  }

  /** Whether the cursor of its last event takes it on without a gap: graphql-sse passes cursors over. */
  get resumes(): boolean {
    return this.kind === 'graphql-ws' || this.kind === 'EventSource';
  }

  /** Resolves with the moment at which the connection was opened that the first event after `sinceMs` came by; undefined when it has given up. */
  async in(sinceMs: number): Promise<number | undefined> {
    await this.#when(() => this.#inMs > sinceMs);
    return this.failure === undefined ? this.#inMs : undefined;
  }

  /** Resolves when event `number` has come. */
  async until(number: number): Promise<void> {
    await this.#when(() => this.last >= number);
  }

  close(): void {
    this.#close();
  }

  #take(number: number): void {
    this.#inMs = this.#connectedMs;
    if (number <= this.last) this.repeated += 1;
    else {
      if (this.last > 0) this.lost += number - this.last - 1;
      this.last = number;
    }
    this.#look();
  }

  #when(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds() && this.failure === undefined) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}

interface Told {
  readonly connected: () => void;
  readonly event: (number: number) => void;
  readonly failed: (failure: unknown) => void;
}

/** Opens one client, and returns what closes it. */
type Open = (url: URL, told: Told) => () => void;

const openers: Readonly<Record<ReturningKind, Open>> = {
  'graphql-ws': (url, told) => {
    // In place, as its client sends the same payload again.
    const payload = { query: feedQuery, extensions: {} as { resume?: string } }; // as: filled below
    const client = createWsClient({
      url: url.href.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      on: { connected: told.connected },
    });
    client.subscribe(payload, {
      next: (result) => {
        const { cursor } = result.extensions as { cursor: string }; // as: every event of the feed has one
        payload.extensions.resume = cursor;
        told.event(numberIn(result.data));
      },
      error: told.failed,
      complete: () => told.failed('complete'),
    });
    return () => void client.dispose();
  },
  'graphql-sse': (url, told) => openGraphqlSse(url, told, false),
  'graphql-sse-single': (url, told) => openGraphqlSse(new URL(`${url.href}/stream`), told, true),
  EventSource: (url, told) => {
    const address = `${url.href}?query=${encodeURIComponent(feedQuery)}`;
    const source = new EventSource(address, {
      // What a browser would need a trusted document for.
      fetch: (asked, init) => fetch(asked, { ...init, headers: { ...init.headers, ...preflighted } }),
    });
    source.addEventListener('open', told.connected);
    source.addEventListener('next', ({ data }) => told.event(numberIn(JSON.parse(data).data)));
    source.addEventListener('error', (error) => {
      if (source.readyState === source.CLOSED) told.failed(error);
    });
    return () => source.close();
  },
};

function openGraphqlSse(url: URL, told: Told, singleConnection: boolean): () => void {
  const client = createSseClient({ url: url.href, singleConnection, on: { connected: told.connected } });
  client.subscribe(
    { query: feedQuery },
    {
      next: ({ data }) => told.event(numberIn(data)),
      error: told.failed,
      complete: () => told.failed('complete'),
    },
  );
  return () => client.dispose();
}

function numberIn(data: unknown): number {
  return (data as { log: { number: number } }).log.number; // as: what the query asks for
}
