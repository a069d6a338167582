import { setTimeout as delay } from 'node:timers/promises';
import { intBetween, pickOne } from '../../../seed/random.ts';
import type { LedgerWorld } from './ledger-world.ts';

/** What harm is done; resolves when it is undone. */
export type LedgerFault = (world: LedgerWorld) => Promise<void>;

/** Faults after which everything can still be had: nobody may be told of a gap for them. */
export const harmlessFaults = {
  dropClients: async ({ instances, random }) => pickOne(random, instances).clients.reset(),
  dropUpstream: async ({ upstream }) => upstream.reset(),
  dropRedis: async ({ instances, random }) => pickOne(random, instances).redis.reset(),
  killSubscribers: async ({ control }) => killClients(control, 'pubsub'),
  killCommands: async ({ control }) => killClients(control, 'normal'),
  pauseRedis: async ({ server, random }) => {
    server.pause();
    await delay(intBetween(random, 50, 800));
    server.resume();
  },
  pauseUpstream: async ({ upstream, random }) => {
    upstream.pause();
    await delay(intBetween(random, 50, 800));
    upstream.resume();
  },
  killInstance: async ({ instances, random }) => pickOne(random, instances).replace(),
  /** Longer than a lead lasts: who wakes up believes to be the leader still. */
  pauseInstance: async ({ instances, random }) => {
    const { process } = pickOne(random, instances);
    process?.pause();
    await delay(intBetween(random, 500, 5000));
    process?.resume();
  },
} as const satisfies Readonly<Record<string, LedgerFault>>;

/** Faults that lose what Redis has: those who read are told. */
export const lossyFaults = {
  flushRedis: async ({ control }) => {
    await control.flushall().catch(() => {});
  },
  killRedis: async ({ server, random }) => {
    await server.kill();
    await delay(intBetween(random, 0, 500));
    await server.start();
  },
} as const satisfies Readonly<Record<string, LedgerFault>>;

/** Those that take seconds, of which no two go on at once. */
const slowFaults: ReadonlySet<LedgerFault> = new Set<LedgerFault>([
  harmlessFaults.killInstance,
  harmlessFaults.pauseInstance,
]);

/** Whether it takes seconds. */
export function isSlow(fault: LedgerFault): boolean {
  return slowFaults.has(fault);
}

async function killClients(control: LedgerWorld['control'], type: string): Promise<void> {
  await control.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes').catch(() => {});
}
