import type { Clock } from '../../src/clock.ts';
import type { Log } from '../../src/observe/log.ts';
import type { SubscribeParts } from '../../src/operation/subscribed.ts';
import { createSubscriptionLeases } from '../../src/operation/subscription-leases.ts';
import { createResumeCursorCodec } from '../../src/realtime/cursor.ts';
import { createDeliveries } from '../../src/realtime/delivery.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import { createMemoryLeases } from '../../src/realtime/memory-leases.ts';
import { createPump } from '../../src/realtime/pump.ts';

/** What pipelines under test deliver events with, in memory. */
export function realtimeOf(
  clock: Clock,
  log: Log,
): Pick<
  SubscribeParts,
  'broker' | 'deliveries' | 'pump' | 'resumeCursors' | 'subscriptionLeases' | 'eventTimeoutMs'
> {
  const broker = createMemoryBroker({ log, clock });
  const leases = createMemoryLeases(clock);
  return {
    broker,
    deliveries: createDeliveries({ broker, replayPricePercent: 50 }),
    pump: createPump({ broker, leases, log, clock }),
    subscriptionLeases: createSubscriptionLeases({ leases, clock, log, limit: 10_000 }),
    resumeCursors: createResumeCursorCodec({ secrets: ['x'.repeat(32)], variant: 'web' }),
    eventTimeoutMs: 5000,
  };
}
