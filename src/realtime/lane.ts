import type { Broker, BrokerEvent, Gap, Position, SubscriptionEnd, SubscriptionStart } from './broker.ts';
import type { Member } from './member.ts';
import { replayPoints } from './replay-points.ts';
import type { Delivered } from './sink.ts';
import type { Topic } from './topic.ts';

/** What the lanes of one cohort share. */
export interface LaneHost {
  readonly topic: Topic;
  readonly broker: Broker;
  /** See {@link replayPoints}. */
  readonly replayPricePercent: number;
  /** The event as its audience reads it; never rejects. */
  readonly deliver: (event: BrokerEvent) => Promise<Delivery>;
  /** Everything that came has been handed out. */
  readonly onIdle: (lane: Lane) => void;
  /** The lane is live; it has `start` to tell its members. */
  readonly onLive: (lane: Lane, start: SubscriptionStart) => void;
  /** Nothing comes any more. */
  readonly onEnd: (lane: Lane, reason: SubscriptionEnd | Error) => void;
}

/** An event executed, and what it cost each that it is given to. */
export interface Delivery {
  readonly delivered: Delivered;
  readonly points: number;
}

/** What waits in a lane, numbered from 1. */
type Step = { readonly number: number } & ({ readonly event: BrokerEvent } | { readonly gap: Gap });

/** Events that wait to be executed; those of a `log` topic are read again from there when there is place. */
const maxWaiting = 512;

/**
 * One run through the events of a topic, in order, for members that all stand at the same place in it: a subscription at
 * the broker, one execution at a time, and whoever reads along.
 */
export class Lane {
  readonly #host: LaneHost;
  readonly #members = new Map<Member, number>();
  #isClosed = false;
  /** Ends the reading that goes on; there may be one after it. */
  #reading: AbortController | undefined;
  /** How many steps have come. */
  #count = 0;
  #waiting: Step[] = [];
  #isRunning = false;
  /** After the last step that was taken in. */
  #received: Position | null = null;
  /** Steps were not taken in, and are to be read again. */
  #isBehind = false;
  /** The last event that its members come back for; what follows happens while they are here. */
  #replayedUntil: Position | undefined;

  constructor(host: LaneHost) {
    this.#host = host;
  }

  get members(): Iterable<Member> {
    return this.#members.keys();
  }

  get size(): number {
    return this.#members.size;
  }

  /** After everything that has come, handed out or not; null in a `lossy` topic. */
  get received(): Position | null {
    return this.#received;
  }

  get isIdle(): boolean {
    return !this.#isRunning && !this.#isBehind;
  }

  /** Gives `member` everything that comes from now on. */
  add(member: Member): void {
    this.#members.set(member, this.#count);
  }

  /** Whoever is the last to leave closes it. */
  remove(member: Member): void {
    this.#members.delete(member);
  }

  /** Begins after `after`, or now. */
  open(after: Position | undefined): void {
    const { broker, topic } = this.#host;
    const reading = new AbortController();
    this.#reading = reading;
    const listener = {
      ...(after && { after }),
      signal: reading.signal,
      onLive: (start: SubscriptionStart) => this.#live(start),
      onEvent: (event: BrokerEvent) => this.#take({ event }),
      onGap: (gap: Gap) => this.#take({ gap }),
      onEnd: (reason: SubscriptionEnd) => this.#host.onEnd(this, reason),
    };
    broker.subscribe(topic, listener).catch((thrown: unknown) => {
      if (reading.signal.aborted) return;
      this.#host.onEnd(this, thrown instanceof Error ? thrown : new Error(String(thrown)));
    });
  }

  /** Leaves the topic. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#reading?.abort();
  }

  #live(start: SubscriptionStart): void {
    this.#received = start.position;
    if (this.#isBehind) {
      this.#resume(start);
      return;
    }
    if (start.recovered) this.#replayedUntil = start.until;
    this.#host.onLive(this, start);
  }

  #resume(start: SubscriptionStart): void {
    this.#isBehind = false;
    if (!start.recovered && start.position)
      this.#take({ gap: { reason: start.reason, position: start.position } });
  }

  #take(step: { readonly event: BrokerEvent } | { readonly gap: Gap }): void {
    if (this.#waiting.length >= maxWaiting && !this.#makeRoom()) return;
    this.#received = 'gap' in step ? step.gap.position : step.event.position;
    this.#count += 1;
    this.#waiting.push({ ...step, number: this.#count });
    if (!this.#isRunning) void this.#run();
  }

  /** What does not fit: of a `log` topic it is read again later, of the others the oldest gives way. */
  #makeRoom(): boolean {
    if (this.#host.topic.mode !== 'log') {
      this.#waiting.shift();
      return true;
    }
    // At once, also amid a backlog: what came after a hole would be out of order.
    this.#reading?.abort();
    this.#isBehind = true;
    return false;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let step = this.#waiting.shift(); step; step = this.#waiting.shift()) {
      if ('gap' in step) this.#tell(step.gap, step.number);
      else {
        const delivery = await this.#host.deliver(step.event);
        if (this.#isReplayed(step.event)) await this.#giveAgain(delivery, step.number);
        else this.#give(delivery, step.number);
      }
    }
    this.#isRunning = false;
    if (this.#isClosed) return;
    if (this.#isBehind && this.#received) this.open(this.#received);
    else this.#host.onIdle(this);
  }

  #give({ delivered, points }: Delivery, number: number): void {
    for (const [member, joinedAt] of this.#members) if (number > joinedAt) member.give(delivered, points);
  }

  #isReplayed({ position }: BrokerEvent): boolean {
    const until = this.#replayedUntil;
    return until !== undefined && position?.epoch === until.epoch && position.offset <= until.offset;
  }

  /** At the price of a replay. These can wait until they are paid for, so that nobody is given a history for nothing. */
  async #giveAgain({ delivered, points }: Delivery, number: number): Promise<void> {
    const price = replayPoints(points, this.#host.replayPricePercent);
    const paying: Promise<void>[] = [];
    for (const [member, joinedAt] of this.#members) {
      const paid = number > joinedAt ? member.giveWhenPaid(delivered, price) : undefined;
      if (paid) paying.push(paid);
    }
    // A budget in memory answers at once.
    if (paying.length > 0) await Promise.all(paying);
  }

  #tell({ reason }: Gap, number: number): void {
    for (const [member, joinedAt] of this.#members) if (number > joinedAt) member.gap(reason);
  }
}
