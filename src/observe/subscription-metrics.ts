import { Counter, Gauge, type Registry } from 'prom-client';
import { createChildren } from './children.ts';

/** What is counted of subscriptions. */
export interface SubscriptionMetrics {
  /** One has ended: `reason` is of the closed list of end reasons. */
  readonly ended: (transport: string, reason: string) => void;
  /** A connection was not taken: `reason` is of the closed list of these. */
  readonly refused: (transport: string, reason: string) => void;
}

/** Metrics of subscriptions; `open` is asked at each scrape. */
export function createSubscriptionMetrics(
  registry: Registry,
  maxLabelSets: number,
  open: () => number,
): SubscriptionMetrics {
  const registers = [registry];
  const ends = new Counter({
    name: 'weir_subscription_ends_total',
    help: 'Subscriptions that have ended, by why.',
    labelNames: ['transport', 'reason'],
    registers,
  });
  const refusals = new Counter({
    name: 'weir_connects_refused_total',
    help: 'WebSockets and event streams that were not taken, by why.',
    labelNames: ['transport', 'reason'],
    registers,
  });
  new Gauge({
    name: 'weir_subscriptions',
    help: 'Subscriptions that are delivered now.',
    registers,
    collect() {
      this.set(open());
    },
  });
  const childOf = createChildren(maxLabelSets, (transport, reason) => ends.labels({ transport, reason }));
  const refusalOf = createChildren(maxLabelSets, (transport, reason) =>
    refusals.labels({ transport, reason }),
  );
  return {
    ended: (transport, reason) => childOf(transport, reason).inc(),
    refused: (transport, reason) => refusalOf(transport, reason).inc(),
  };
}
