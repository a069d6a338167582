import type { Broker, BrokerEvent, Position } from './broker.ts';
import { Cohort } from './cohort.ts';
import type { Delivery } from './lane.ts';
import { type Account, Member, type WhenEmpty } from './member.ts';
import type { Attached, EndReason, Sink } from './sink.ts';
import type { Topic } from './topic.ts';

/** What one subscriber asks for. */
export interface DeliveryRequest {
  /** Equal for all who share one execution: document, variables, variant and audience. */
  readonly cohort: string;
  readonly topic: Topic;
  /** Where to go on; undefined for from now on. */
  readonly after: Position | undefined;
  readonly sink: Sink;
  readonly account: Account;
  readonly whenEmpty: WhenEmpty;
  /** Executes the operation for one event; of the first member of a cohort, used for all. Never rejects. */
  readonly execute: (event: BrokerEvent) => Promise<Delivery>;
  readonly cursorOf: (position: Position) => string;
  readonly errorFrom: (thrown: Error) => Readonly<Record<string, unknown>>;
  /** Feeds the topic while the cohort lives; see {@link Feed}. */
  readonly feed: () => Feed;
  /** Told once, whoever ended it. */
  readonly onEnd: (reason: EndReason) => void;
}

/** A topic that is fed. */
export interface Feed {
  /** Resolves when nothing that happens from now on can be missed. */
  readonly ready: Promise<void>;
  /** Called once, when the last has left. */
  readonly release: () => void;
}

/** The subscriptions of one process: every event is executed once for each audience. */
export interface Deliveries {
  readonly attach: (request: DeliveryRequest) => Attached;
  /** Subscribers now. */
  readonly size: () => number;
  /** Ends all subscriptions, retryably. Idempotent. */
  readonly close: () => void;
}

/** What deliveries are made of. */
export interface DeliveriesOptions {
  readonly broker: Broker;
  /** What an event costs that is given from the history, see {@link replayPoints}: 0 to 100. */
  readonly replayPricePercent: number;
}

/** Deliveries of the topics of a broker, which they do not close. */
export function createDeliveries({ broker, replayPricePercent }: DeliveriesOptions): Deliveries {
  const cohorts = new Map<string, Cohort>();
  const members = new Set<Member>();

  const cohortOf = (request: DeliveryRequest): Cohort => {
    const { cohort: key, topic, execute, cursorOf, errorFrom } = request;
    const known = cohorts.get(key);
    if (known) return known;
    const { ready, release } = request.feed();
    const onEmpty = () => {
      cohorts.delete(key);
      release();
    };
    const shared = { topic, broker, replayPricePercent, execute, cursorOf, errorFrom, ready, onEmpty };
    const made = new Cohort(shared);
    cohorts.set(key, made);
    return made;
  };

  return {
    attach: (request) => {
      // Not the request: what its first member executes by would be held by each.
      const { sink, account, whenEmpty, after, onEnd: tell } = request;
      const cohort = cohortOf(request);
      const onEnd = (ended: Member, reason: EndReason) => {
        members.delete(ended);
        cohort.leave(ended);
        tell(reason);
      };
      const member = new Member({ sink, account, whenEmpty, onEnd });
      members.add(member);
      cohort.join(member, after);
      return member;
    },
    size: () => members.size,
    close: () => {
      for (const member of [...members]) member.end('drain');
    },
  };
}
