import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import type { Broker } from './broker.ts';
import type { Leases } from './leases.ts';
import type { PumpHold, PumpSource } from './pump-source.ts';
import type { Topic } from './topic.ts';
import { TopicPump } from './topic-pump.ts';

/** What a pump is made of. */
export interface PumpOptions {
  /** Stays open; the pump's owner closes it. */
  readonly broker: Broker;
  /** Stays open; the pump's owner closes it. Of one process (memory) this instance leads always. */
  readonly leases: Leases;
  readonly log: Log;
  readonly clock?: Clock;
  /** From 0 up to 1, for jitter. Default Math.random. */
  readonly random?: () => number;
  /** How long a leader that died is waited for. Default 3 s; with the second between looks, another leads within 4 s. */
  readonly leaseMs?: number;
  /** How often a leader renews and the others look. Default 1 s. */
  readonly renewMs?: number;
  /** How long a topic is fed after its last hold, for those who come right back. Default 4 s. */
  readonly lingerMs?: number;
}

/**
 * Feeds topics from their sources: one stream for a topic, however many subscribers and instances hold it. Those with a
 * hold lease the lead from each other; whoever leads publishes from the last sequence on, and the broker refuses those
 * that are there already, so a change of leader neither loses nor doubles an event. A source that fails or ends is opened
 * again after 100 ms to 10 s, doubling, with jitter. A source that has lost events restarts the topic: a gap, not silence.
 */
export interface Pump {
  /** Feeds the topic until released. All holds of a topic give equal sources; the first one's is used. */
  hold(topic: Topic, source: PumpSource): PumpHold;
  /** Topics that this instance feeds or waits to feed. */
  readonly size: number;
  /** Stops all and gives the leads back. Idempotent. */
  close(): Promise<void>;
}

const defaults = { leaseMs: 3000, renewMs: 1000, lingerMs: 4000 };

/** A pump that holds nothing yet. Throws RangeError unless `leaseMs` is at least twice `renewMs`. */
export function createPump(options: PumpOptions): Pump {
  const clock = options.clock ?? systemClock;
  const instance = randomBytes(12).toString('base64url');
  let holders = 0;
  const nextHolder = () => {
    holders += 1;
    return `${instance}.${holders}`;
  };
  const host = { ...defaults, random: Math.random, ...options, clock, nextHolder };
  if (host.leaseMs < 2 * host.renewMs) {
    throw new RangeError(
      `Pump leaseMs: expected at least twice renewMs (${host.renewMs}), got ${host.leaseMs}.`,
    );
  }
  const pumps = new Map<string, TopicPump>();
  /** What `close` waits for. */
  const stopping = new Set<Promise<void>>();

  function pumpOf(topic: Topic, source: PumpSource): TopicPump {
    const known = pumps.get(topic.key);
    if (known !== undefined) return known;
    const pump = new TopicPump(topic, source, host, () => stop(pump));
    pumps.set(topic.key, pump);
    return pump;
  }

  function stop(pump: TopicPump): void {
    pumps.delete(pump.topic.key);
    const stopped = pump.stop().finally(() => stopping.delete(stopped));
    stopping.add(stopped);
  }

  return {
    hold: (topic, source) => pumpOf(topic, source).hold(),
    get size() {
      return pumps.size;
    },
    close: async () => {
      for (const pump of [...pumps.values()]) stop(pump);
      await Promise.all(stopping);
    },
  };
}
