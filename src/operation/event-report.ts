import type { KnownBalance } from '../guard/budget/known-balance.ts';
import type { OverflowPolicy } from '../realtime/queue.ts';
import type { Delivered, Sink } from '../realtime/sink.ts';
import { type CostExtension, type ReportedPrice, throttleStatusOf } from './charge.ts';
import type { EventAccount } from './event-account.ts';
import { SharedEvent } from './shared-event.ts';
import { withExtension } from './with-extension.ts';

/** What a subscriber is told by who asked for it. */
export interface EventReportParts {
  readonly account: EventAccount;
  readonly balance: Pick<KnownBalance, 'own'>;
  readonly price: ReportedPrice;
}

/** Pays for the events of one subscriber, and tells it with each what it cost and what is left. */
export interface EventReport {
  readonly account: EventAccount;
  /** Of the event that was paid for last. */
  readonly cost: (upstreamCalls: number | null) => CostExtension;
  /** The sink that events are given to in place of the subscriber's. */
  readonly sinkFor: (sink: Sink) => Sink;
}

/**
 * The report of one subscriber. What it is told is of nobody else, so that each of its events is a text and a frame of
 * its own, while all others go on sharing theirs: it is for those who ask.
 */
export function createEventReport({ account, balance, price }: EventReportParts): EventReport {
  // An event is given in the turn in which it was paid for, or in which that became known.
  let paidPoints = 0;
  const cost = (actualUpstreamCalls: number | null): CostExtension => ({
    requestedQueryCost: price.requestedQueryCost,
    actualQueryCost: paidPoints,
    throttleStatus: throttleStatusOf(balance.own()),
    typeCost: price.typeCost,
    fieldCost: price.fieldCost,
    upstreamCalls: price.upstreamCalls,
    actualUpstreamCalls,
    modelVersion: price.modelVersion,
  });
  return {
    account: {
      pay: (points) => {
        paidPoints = points;
        return account.pay(points);
      },
      payFirst: (points) => {
        paidPoints = points;
        return account.payFirst(points);
      },
      refusal: () => account.refusal?.(),
      refused: () => account.refused(),
    },
    cost,
    sinkFor: (sink) => ({
      live: (live) => sink.live(live),
      next: (delivered) => sink.next(new OwnEvent(delivered, cost(upstreamCallsOf(delivered)))),
      gap: (gap) => sink.gap(gap),
      end: (reason, error) => sink.end(reason, error),
      bufferedBytes: () => sink.bufferedBytes(),
      onDrain: (listener) => sink.onDrain(listener),
    }),
  };
}

function upstreamCallsOf(delivered: Delivered): number | null {
  return delivered instanceof SharedEvent ? delivered.upstreamCalls : null;
}

/** An event as one subscriber alone is given it. */
class OwnEvent implements Delivered {
  readonly json: string;
  readonly cursor: string | undefined;
  readonly policy: OverflowPolicy;
  readonly coalesceKey: string | undefined;

  constructor({ json, cursor, policy, coalesceKey }: Delivered, cost: CostExtension) {
    this.json = withExtension(json, 'cost', cost);
    this.cursor = cursor;
    this.policy = policy;
    this.coalesceKey = coalesceKey;
  }

  frame(_encoding: string, encode: (delivered: Delivered) => Buffer): Buffer {
    return encode(this);
  }
}
