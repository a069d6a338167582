import { randomBytes } from 'node:crypto';
import { systemClock } from '../clock.ts';
import type { Broker } from './broker.ts';
import { MemoryStore } from './memory-store.ts';
import { type BrokerOptions, TopicBroker } from './topic-broker.ts';

/** What a broker in memory takes. */
export interface MemoryBrokerOptions extends BrokerOptions {
  /** Topics with a history, from 1; above it the longest unused begins anew. Default 10,000. */
  readonly maxTopics?: number;
}

const defaultMaxTopics = 10_000;

/** A {@link Broker} for one process: nothing outlives it, no other process shares it, and it is never away. */
export function createMemoryBroker(options: MemoryBrokerOptions): Broker {
  const { clock = systemClock, maxTopics = defaultMaxTopics } = options;
  return new TopicBroker((events) => {
    // A cursor of an earlier process must not fit the topics of this one.
    const process = randomBytes(9).toString('base64url');
    let epochs = 0;
    const nextEpoch = () => {
      epochs += 1;
      return `${process}.${epochs}`;
    };
    return new MemoryStore({ ...events, clock, nextEpoch, maxTopics });
  }, options);
}
