import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, startNode } from '../../test/kit/child.ts';
import type { EventGatewayOptions } from '../../test/kit/events/gateway.ts';
import { publishRequest, withClient } from './event-server.ts';

/** What readers of the feed subscribe to. */
export const feedQuery = 'subscription { log { number text } }';

/** One instance, in a process of its own. */
export interface FeedInstance {
  readonly child: Child;
  readonly url: URL;
  readonly metricsUrl: string;
}

/** Starts one; the stack ends it. */
export async function startInstance(
  stack: AsyncDisposableStack,
  settings: EventGatewayOptions,
): Promise<FeedInstance> {
  const child: Child = startNode(['test/kit/events/gateway.ts', JSON.stringify(settings)]);
  stack.defer(() => void child.process.kill('SIGKILL'));
  const output = await child.printed(/ready on \S+/);
  const addressOf = (pattern: RegExp) => pattern.exec(output)?.[1] ?? '';
  return { child, url: new URL(addressOf(/ready on (\S+)/)), metricsUrl: addressOf(/metrics on (\S+)/) };
}

/** Publishes numbered events until it is stopped, and tells then how many. */
export function startPublisher(url: URL, eventsPerSecond: number): { readonly stop: () => Promise<number> } {
  const stopping = new AbortController();
  const run = withClient(url, async (client) => {
    let published = 0;
    while (!stopping.signal.aborted) {
      published += 1;
      await client.ask(publishRequest(url, { feed: 'log', first: published, count: 1, bytes: 80 }));
      await sleep(1000 / eventsPerSecond, undefined, { signal: stopping.signal }).catch(() => {});
    }
    return published;
  });
  return {
    stop: () => {
      stopping.abort();
      return run;
    },
  };
}
