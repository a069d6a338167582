import type { CancelTimer, Clock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import { linkSignals, unlessAborted } from '../signal.ts';
import { backOff, pause } from './back-off.ts';
import type { Broker } from './broker.ts';
import type { Lease, Leases } from './leases.ts';
import type { PumpHold, PumpItem, PumpSource } from './pump-source.ts';
import type { Topic } from './topic.ts';

/** What the pumps of one instance share: see the pump's options. */
export interface PumpHost {
  readonly broker: Broker;
  readonly leases: Leases;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  readonly leaseMs: number;
  readonly renewMs: number;
  readonly lingerMs: number;
  /** A name that no pump of any instance had before. */
  readonly nextHolder: () => string;
}

const retry = { firstMs: 100, maxMs: 10_000 };

/** One topic at one instance: waits for the lead, then feeds the topic, until nobody holds it. */
export class TopicPump {
  readonly topic: Topic;
  readonly #source: PumpSource;
  readonly #host: PumpHost;
  readonly #lease: Lease;
  readonly #onUnheld: () => void;
  readonly #stopping = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #isReady = false;
  #holds = 0;
  #cancelLinger: CancelTimer = () => {};
  /** The last sequence that this instance saw enter the topic. */
  #last: number | null = null;
  /** What the next event of the stream follows at its source; null when that is not known. */
  #previous: number | null = null;
  /** Another instance led before: unless it is known how far it came, events may be lost. */
  #isSuccessor = false;
  /** Events before the next one are lost: the topic is restarted with it, when nothing more can be missed. */
  #isLost = false;

  constructor(topic: Topic, source: PumpSource, host: PumpHost, onUnheld: () => void) {
    this.topic = topic;
    this.#source = source;
    this.#host = host;
    this.#lease = { key: `pump:${topic.key}`, holder: host.nextHolder() };
    this.#onUnheld = onUnheld;
    // Most nobody waits for; who does hears of the end all the same.
    this.#ready.promise.catch(() => {});
    this.#running = this.#run(this.#stopping.signal);
  }

  hold(): PumpHold {
    this.#holds += 1;
    this.#cancelLinger();
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      this.#holds -= 1;
      if (this.#holds > 0 || this.#stopping.signal.aborted) return;
      this.#cancelLinger = this.#host.clock.after(this.#host.lingerMs, this.#onUnheld);
    };
    return { ready: this.#ready.promise, release };
  }

  /** Resolves when the stream is closed and the lead is given back. */
  stop(): Promise<void> {
    this.#cancelLinger();
    this.#stopping.abort();
    this.#ready.reject(this.#stopping.signal.reason);
    return this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random, renewMs, leases } = this.#host;
    while (!signal.aborted) {
      const isLeader = await this.#takeLead();
      if (isLeader === true) await this.#lead(signal);
      else if (isLeader === false) await this.#follow();
      await pause(renewMs * (0.5 + random() / 2), clock, signal);
    }
    // A store that is away forgets the lease by itself.
    await leases.release([this.#lease]).catch(() => {});
  }

  /** Undefined when the store is away: then nobody can lead. */
  async #takeLead(): Promise<boolean | undefined> {
    const { leases, leaseMs } = this.#host;
    return leases.acquire(this.#lease, 1, leaseMs).then(
      ({ isHeld }) => isHeld,
      () => undefined,
    );
  }

  /** Another instance feeds the topic: as soon as there is a sequence to continue from, nothing can be missed. */
  async #follow(): Promise<void> {
    this.#isSuccessor = true;
    if (this.#isReady) return;
    const head = await this.#host.broker.head(this.topic).catch(() => null);
    if (head !== null && head.sequence !== null) this.#setReady();
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const deposed = new AbortController();
    const leading = linkSignals(signal, deposed.signal);
    const renewing = this.#renew(leading.signal, deposed);
    await this.#feed(leading.signal);
    deposed.abort();
    await renewing;
    leading.cleanup();
  }

  /** A store that is away deposes nobody: nobody else can lead then, and sequences keep two leaders from doubling. */
  async #renew(signal: AbortSignal, deposed: AbortController): Promise<void> {
    const { clock, leases, leaseMs, renewMs } = this.#host;
    while (!signal.aborted) {
      await pause(renewMs, clock, signal);
      if (signal.aborted) return;
      const renewal = await leases.acquire(this.#lease, 1, leaseMs).catch(() => null);
      if (renewal !== null && !renewal.isHeld) deposed.abort();
    }
  }

  /** Opens the source again and again until this instance no longer leads. */
  async #feed(signal: AbortSignal): Promise<void> {
    const { log } = this.#host;
    let failures = 0;
    const onProgress = () => {
      failures = 0;
    };
    while (!signal.aborted) {
      const failure = await this.#stream(signal, onProgress);
      if (signal.aborted) return;
      failures += 1;
      if (failures === 1 && failure !== undefined) {
        log.warn(
          { err: failure, topic: this.topic.key },
          'The source of a topic failed; it is opened again.',
        );
      }
      await backOff(failures, { ...this.#host, ...retry }, signal);
    }
  }

  /** One stream from open to end; answers what it failed with. */
  async #stream(signal: AbortSignal, onProgress: () => void): Promise<unknown> {
    let iterator: AsyncIterator<PumpItem> | undefined;
    try {
      const after = await this.#resumeFrom(signal);
      if (after !== null) this.#setReady();
      this.#previous = after;
      iterator = this.#source.open(after, signal)[Symbol.asyncIterator]();
      for (;;) {
        const next = await unlessAborted(iterator.next(), signal);
        if (next.done === true) return undefined;
        await this.#put(next.value, signal);
        onProgress();
      }
    } catch (thrown) {
      if (!signal.aborted && this.#source.isExpired?.(thrown) === true) this.#isLost = true;
      return thrown;
    } finally {
      // Not awaited: a generator that is parked on something never returns.
      iterator?.return?.().catch(() => {});
    }
  }

  /** What the topic says comes first, since others may have led; a topic that was emptied goes by what is known here. */
  async #resumeFrom(signal: AbortSignal): Promise<number | null> {
    if (this.#isLost) return null;
    const { sequence } = await unlessAborted(this.#host.broker.head(this.topic), signal);
    const after = sequence ?? this.#last;
    this.#isLost = after === null && this.#isSuccessor;
    return after;
  }

  async #put({ sequence, payload }: PumpItem, signal: AbortSignal): Promise<void> {
    const { broker, log } = this.#host;
    if (this.#isLost) await this.#insist(() => broker.restart(this.topic), signal);
    this.#isLost = false;
    // A stream from now on knows of nothing that was before its first item.
    const after = this.#previous ?? (payload === null ? sequence : sequence - 1);
    try {
      if (payload === null) await this.#insist(() => broker.advance(this.topic, sequence, after), signal);
      else await this.#insist(() => broker.publish(this.topic, payload, { sequence, after }), signal);
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      // It would come again each time that the source is opened; so it is passed over, and that is told.
      log.error({ err: thrown, topic: this.topic.key }, 'An event cannot be published; its topic has a gap.');
      await this.#insist(() => broker.restart(this.topic), signal);
      await this.#insist(() => broker.advance(this.topic, sequence), signal);
    }
    this.#last = sequence;
    this.#previous = sequence;
    this.#setReady();
  }

  /** Tries until the broker has done it. The source waits meanwhile. */
  async #insist(work: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await unlessAborted(work(), signal);
        return;
      } catch (thrown) {
        signal.throwIfAborted();
        if (thrown instanceof RangeError) throw thrown;
        if (attempt === 1)
          this.#host.log.warn({ err: thrown, topic: this.topic.key }, 'A topic waits for its broker.');
        await backOff(attempt, { ...this.#host, firstMs: 20, maxMs: 1000 }, signal);
        signal.throwIfAborted();
      }
    }
  }

  #setReady(): void {
    this.#isReady = true;
    this.#ready.resolve();
  }
}
