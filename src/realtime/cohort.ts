import type { Broker, BrokerEvent, Position, SubscriptionEnd, SubscriptionStart } from './broker.ts';
import { type Delivery, Lane, type LaneHost } from './lane.ts';
import type { Member } from './member.ts';
import type { EndReason } from './sink.ts';
import type { Topic } from './topic.ts';

/** What a cohort is made of. */
export interface CohortOptions {
  readonly topic: Topic;
  readonly broker: Broker;
  /** See {@link replayPoints}. */
  readonly replayPricePercent: number;
  /** Executes the operation for one event with a fresh context; never rejects. */
  readonly execute: (event: BrokerEvent) => Promise<Delivery>;
  /** The cursor that resumes after a position. */
  readonly cursorOf: (position: Position) => string;
  /** What a failure to listen is told as: the public JSON of a GraphQL error. */
  readonly errorFrom: (thrown: Error) => Readonly<Record<string, unknown>>;
  /** Resolves when the topic is fed, so that nothing that happens from then on can be missed. */
  readonly ready: Promise<void>;
  /** The last member has left. */
  readonly onEmpty: () => void;
}

/** Executed events that lanes of one cohort share while there are several. */
const maxRemembered = 256;

/**
 * Everybody who shares one execution of the events of a topic: same document, variables and audience. Most read along in
 * one lane. Who comes back to an earlier place has a lane of its own until it has caught up; then the two become one.
 */
export class Cohort {
  readonly #options: CohortOptions;
  readonly #host: LaneHost;
  readonly #laneOf = new Map<Member, Lane>();
  readonly #lanes = new Set<Lane>();
  /** Lanes that are not live yet, by where they begin. */
  readonly #opening = new Map<string, Lane>();
  /** Where everybody ends up. */
  #main: Lane | undefined;
  readonly #remembered = new Map<string, Promise<Delivery>>();
  /** Lanes that wait for the topic to be fed; undefined when it is. */
  #unready: { readonly lane: Lane; readonly after: Position | undefined }[] | undefined = [];

  constructor(options: CohortOptions) {
    this.#options = options;
    this.#host = {
      topic: options.topic,
      broker: options.broker,
      replayPricePercent: options.replayPricePercent,
      deliver: (event) => this.#deliver(event),
      onIdle: (lane) => this.#merge(lane),
      onLive: (lane, start) => this.#live(lane, start),
      onEnd: (lane, reason) => this.#end(lane, reason),
    };
    options.ready.then(
      () => this.#begin(),
      (thrown: unknown) => this.#fail(thrown instanceof Error ? thrown : new Error(String(thrown))),
    );
  }

  get size(): number {
    return this.#laneOf.size;
  }

  /** Gives `member` all that comes after `after`, or from now on. */
  join(member: Member, after: Position | undefined): void {
    const main = this.#main;
    // The newest value of a `latest` topic is read for each who comes.
    if (main && after === undefined && this.#options.topic.mode !== 'latest') {
      this.#enter(member, main);
      member.live(this.#liveAt(main.received, undefined));
      return;
    }
    const key = after ? `${after.offset} ${after.epoch}` : '';
    const known = this.#opening.get(key);
    this.#enter(member, known ?? this.#open(key, after));
  }

  /** Takes `member` out; the cohort ends with its last. */
  leave(member: Member): void {
    const lane = this.#laneOf.get(member);
    if (!lane) return;
    this.#laneOf.delete(member);
    lane.remove(member);
    if (lane.size === 0) this.#close(lane);
    if (this.#laneOf.size === 0) this.#options.onEmpty();
  }

  #enter(member: Member, lane: Lane): void {
    this.#laneOf.set(member, lane);
    lane.add(member);
  }

  #open(key: string, after: Position | undefined): Lane {
    const lane = new Lane(this.#host);
    this.#lanes.add(lane);
    this.#opening.set(key, lane);
    if (this.#unready) this.#unready.push({ lane, after });
    else lane.open(after);
    return lane;
  }

  #begin(): void {
    const unready = this.#unready ?? [];
    this.#unready = undefined;
    for (const { lane, after } of unready) if (this.#lanes.has(lane)) lane.open(after);
  }

  #fail(error: Error): void {
    for (const { lane } of this.#unready ?? []) this.#end(lane, error);
  }

  #close(lane: Lane): void {
    this.#lanes.delete(lane);
    for (const [key, opening] of this.#opening) if (opening === lane) this.#opening.delete(key);
    if (this.#main === lane) this.#main = undefined;
    lane.close();
    if (this.#lanes.size < 2) this.#remembered.clear();
  }

  #live(lane: Lane, start: SubscriptionStart): void {
    let isResumed = false;
    for (const [key, opening] of this.#opening) {
      if (opening !== lane) continue;
      this.#opening.delete(key);
      isResumed = key !== '';
    }
    this.#main ??= lane;
    const live = this.#liveAt(start.position, isResumed ? start : undefined);
    for (const member of [...lane.members]) member.live(live);
    if (lane.isIdle) this.#merge(lane);
  }

  #liveAt(position: Position | null, resumed: SubscriptionStart | undefined) {
    return {
      cursor: position ? this.#options.cursorOf(position) : undefined,
      recovered: resumed?.recovered,
      reason: resumed && !resumed.recovered ? resumed.reason : undefined,
    };
  }

  /** Both have taken in the same events, and this one has handed all of them out: it is not needed any more. */
  #merge(lane: Lane): void {
    // The one that everybody was in may have been left by all.
    this.#main ??= lane;
    const main = this.#main;
    if (main === lane || !lane.isIdle || !isSame(main.received, lane.received)) return;
    for (const member of [...lane.members]) {
      lane.remove(member);
      this.#enter(member, main);
    }
    this.#close(lane);
  }

  #end(lane: Lane, reason: SubscriptionEnd | Error): void {
    const told: EndReason = reason === 'brokerClosed' ? 'drain' : 'failed';
    const error = reason instanceof Error ? this.#options.errorFrom(reason) : undefined;
    for (const member of [...lane.members]) member.end(told, error);
  }

  /** Executes an event once, however many lanes it comes in. */
  #deliver(event: BrokerEvent): Promise<Delivery> {
    const { position } = event;
    if (!position || this.#lanes.size < 2) return this.#options.execute(event);
    const key = `${position.offset} ${position.epoch}`;
    const known = this.#remembered.get(key);
    if (known) return known;
    const delivery = this.#options.execute(event);
    this.#remembered.set(key, delivery);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > maxRemembered && oldest !== undefined) this.#remembered.delete(oldest);
    return delivery;
  }
}

function isSame(one: Position | null, other: Position | null): boolean {
  return one?.epoch === other?.epoch && one?.offset === other?.offset;
}
