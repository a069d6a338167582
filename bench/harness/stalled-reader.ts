import { setTimeout as sleep } from 'node:timers/promises';
import { type FeedEnd, type FeedLedger, FeedReader } from '../../test/kit/events/feed-reader.ts';
import type { SubscriberTransport } from '../../test/kit/events/raw-subscriber.ts';
import type { Client } from './client.ts';
import { publishRequest, withClient } from './event-server.ts';

/** How the probe loads a server. */
export interface StalledReaderOptions {
  readonly url: URL;
  readonly transport: SubscriberTransport;
  /** Characters of the text of an event. */
  readonly bytes: number;
  /** The pace; undefined for as fast as the healthy reader reads. */
  readonly eventsPerSecond: number | undefined;
  /** How many are published in all. */
  readonly events: number;
  /** The number of the last event that was published before. */
  readonly last: number;
  /** Whether one of the two readers stops reading; false for what both take when both read. */
  readonly isStalled: boolean;
  /** Subscriptions that the server has ended as slow. */
  readonly countSlow: () => Promise<number>;
  /** Runs after every 200 events. */
  readonly sample?: () => Promise<void>;
}

/** What came of it. */
export interface StalledReaderOutcome {
  readonly published: number;
  readonly healthy: FeedLedger;
  /** Events that had been published when the stalled reader was ended; null when it never was. */
  readonly endedAfter: number | null;
  /** What the stalled reader found when it read again; null when it was never ended. */
  readonly stalledEnd: FeedEnd | null;
}

/** Events that are published by one request. */
const batch = 20;
const batchesPerLook = 10;

/** One reader that stops reading beside one that does not, on one feed. */
export async function probeStalledReader(options: StalledReaderOptions): Promise<StalledReaderOutcome> {
  const { url, transport, last, events, isStalled } = options;
  const query = 'subscription { log { number text } }';
  const [healthy, stalled] = [1, 2].map(() => new FeedReader({ transport, url, query }, last));
  if (!healthy || !stalled) throw new RangeError('Expected two readers.');
  try {
    for (const reader of [healthy, stalled]) {
      await reader.open();
      await reader.untilLive();
    }
    if (isStalled) stalled.pause();
    const slowBefore = await options.countSlow();
    let endedAfter: number | null = null;
    let stalledEnd: Promise<FeedEnd> | null = null;
    const look = async (published: number) => {
      await options.sample?.();
      if (endedAfter !== null || (await options.countSlow()) === slowBefore) return;
      endedAfter = published;
      // Who is sent away has some seconds to read why.
      stalled.resume();
      stalledEnd = stalled.ended();
    };
    await withClient(url, (client) => publishAll(client, healthy, look, options));
    await healthy.until(last + events);
    return { published: events, healthy: healthy.ledger, endedAfter, stalledEnd: await stalledEnd };
  } finally {
    healthy.close();
    stalled.close();
  }
}

async function publishAll(
  client: Client,
  healthy: FeedReader,
  look: (published: number) => Promise<void>,
  { url, bytes, eventsPerSecond, events, last }: StalledReaderOptions,
): Promise<void> {
  const startMs = performance.now();
  for (let published = 0; published < events; ) {
    const count = Math.min(batch, events - published);
    await client.ask(publishRequest(url, { feed: 'log', first: last + published + 1, count, bytes }));
    published += count;
    if (published % (batch * batchesPerLook) === 0) await look(published);
    if (eventsPerSecond === undefined) await healthy.until(last + published);
    else await sleep(Math.max(0, startMs + (published * 1000) / eventsPerSecond - performance.now()));
  }
  await look(events);
}
