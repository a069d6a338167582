import type { Clock } from '../clock.ts';
import type { Channel, Connectivity } from './channel.ts';
import { createSlots, type SlotLimits, type SlotRefusal } from './slots.ts';

/** Why a call did not get a connection. */
export type PoolRefusal = SlotRefusal | 'stuck';

/** A few connections to one upstream with a bounded number of calls on them. */
export interface Pool {
  readonly inFlight: number;
  readonly waiting: number;
  /** Calls exactly one of the two; whoever is granted a channel must leave it. */
  enter(signal: AbortSignal, granted: (channel: Channel) => void, refused: (why: PoolRefusal) => void): void;
  leave(channel: Channel): void;
  /** The best of its channels. */
  connectivity(): Connectivity;
  close(): Promise<void>;
}

/** Shares calls among `channels`, the least busy first, so that none carries more than `maxTaken / channels.length`. */
export function createPool(channels: readonly Channel[], limits: SlotLimits, clock: Clock): Pool {
  const slots = createSlots(limits, clock);
  return {
    get inFlight() {
      return slots.taken;
    },
    get waiting() {
      return slots.waiting;
    },
    enter: (signal, granted, refused) => {
      slots.take(
        signal,
        () => {
          const channel = leastBusy(channels);
          if (channel === undefined) {
            slots.release();
            refused('stuck');
            return;
          }
          channel.inFlight += 1;
          granted(channel);
        },
        refused,
      );
    },
    leave: (channel) => {
      channel.inFlight -= 1;
      slots.release();
    },
    connectivity: () => bestOf(channels.map((channel) => channel.connectivity())),
    close: async () => {
      slots.close();
      await Promise.all(channels.map((channel) => channel.close()));
    },
  };
}

function leastBusy(channels: readonly Channel[]): Channel | undefined {
  let best: Channel | undefined;
  for (const channel of channels) {
    if (!channel.isStuck && (best === undefined || channel.inFlight < best.inFlight)) best = channel;
  }
  return best;
}

/** An idle connection proves nothing: one that nobody has needed yet must not hide that the one in use fails. */
const connectivityOrder: readonly Connectivity[] = ['ready', 'connecting', 'failing', 'idle', 'closed'];

function bestOf(states: readonly Connectivity[]): Connectivity {
  return connectivityOrder.find((state) => states.includes(state)) ?? 'closed';
}
