import type { CancelTimer, Clock } from '../clock.ts';
import { errorTable, WeirError } from '../errors.ts';
import { isObject } from '../is-object.ts';
import { pause } from '../realtime/back-off.ts';
import type { Broker, Subscription } from '../realtime/broker.ts';
import type { Leases } from '../realtime/leases.ts';
import { type Topic, topicFromOptions } from '../realtime/topic.ts';
import type { StreamListener, StreamMessage, StreamReply, StreamRouter } from './stream-router.ts';

/** What the router needs of its gateway; broker and leases stay the gateway's to close. */
export interface BrokerRouterParts {
  readonly broker: Broker;
  readonly leases: Leases;
  readonly clock: Clock;
  /** Text that no other instance has, of at most 64 characters. */
  readonly instanceId: string;
}

/** A router that ends. */
export interface ClosableStreamRouter extends StreamRouter {
  /** Gives all claims back. Idempotent. */
  readonly close: () => Promise<void>;
}

/** One message between two instances. */
type Envelope =
  | { readonly kind: 'ask'; readonly from: string; readonly call: number; readonly message: StreamMessage }
  | { readonly kind: 'answer'; readonly call: number; readonly reply: StreamReply };

/** A message that may begin something. */
type BegunMessage = StreamMessage & { readonly kind: 'operation' };

/** Milliseconds that a claim outlives its instance, and between two renewals. */
const lease = { ttlMs: 60_000, renewEveryMs: 20_000 } as const;
/** Milliseconds that the owner's answer is waited for. */
const answerTimeoutMs = 2000;
/** Messages whose answers are waited for at once; more are refused as if the owner did not answer. */
const maxWaiting = 10_000;
/** How often what may have begun without an answer is taken back, until that is answered, and how long between. */
const takeBack = { attempts: 5, everyMs: 1000 } as const;

/**
 * A router over the broker: the owner of a stream listens at the stream's own inbox, and answers at the inbox of whoever
 * asked. A lease makes the claim atomic, and tells that there is no owner before anybody waits for one.
 */
export function createBrokerStreamRouter(parts: BrokerRouterParts): ClosableStreamRouter {
  const router = new BrokerStreamRouter(parts);
  return {
    claim: (streamId) => router.claim(streamId),
    release: (streamId) => router.release(streamId),
    forward: (streamId, message) => router.forward(streamId, message),
    on: (listener) => router.on(listener),
    close: () => router.close(),
  };
}

class BrokerStreamRouter {
  readonly #parts: BrokerRouterParts;
  readonly #inboxes = new Map<string, Subscription>();
  readonly #claiming = new Set<string>();
  readonly #waiting = new Map<number, (reply: StreamReply) => void>();
  readonly #closing = new AbortController();
  #listener: StreamListener | undefined;
  #answers: Promise<Subscription> | undefined;
  #calls = 0;
  #takingBack = 0;
  #cancelRenewal: CancelTimer | undefined;

  constructor(parts: BrokerRouterParts) {
    this.#parts = parts;
  }

  on(listener: StreamListener): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  }

  async claim(streamId: string): Promise<boolean> {
    // A lease is held by an instance, which may be asked twice at once.
    if (this.#inboxes.has(streamId) || this.#claiming.has(streamId)) return false;
    this.#claiming.add(streamId);
    try {
      if (!(await this.#hold(streamId))) return false;
      await this.#openInbox(streamId);
      return true;
    } finally {
      this.#claiming.delete(streamId);
    }
  }

  async #openInbox(streamId: string): Promise<void> {
    const take = (envelope: Envelope) => {
      if (envelope.kind === 'ask') void this.#answer(streamId, envelope);
    };
    try {
      this.#inboxes.set(streamId, await this.#listen(inboxOf(streamId), take));
    } catch (thrown) {
      // Else nobody could have the stream until the lease ends; when this fails too, that is how it goes.
      await this.#parts.leases.release([this.#leaseOf(streamId)]).catch(() => {});
      throw thrown;
    }
    this.#renewLater();
  }

  async release(streamId: string): Promise<void> {
    this.#inboxes.get(streamId)?.close();
    this.#inboxes.delete(streamId);
    await this.#parts.leases.release([this.#leaseOf(streamId)]);
  }

  async forward(streamId: string, message: StreamMessage): Promise<StreamReply | undefined> {
    if ((await this.#parts.leases.count(leaseKey(streamId))) === 0) return undefined;
    this.#answers ??= this.#listen(inboxOf(this.#parts.instanceId), (envelope) => {
      if (envelope.kind === 'answer') this.#waiting.get(envelope.call)?.(envelope.reply);
    });
    await this.#answers.catch((thrown: unknown) => {
      this.#answers = undefined;
      throw thrown;
    });
    if (this.#waiting.size >= maxWaiting) throw noAnswer();
    try {
      return await this.#ask(streamId, message);
    } catch (thrown) {
      if (message.kind === 'operation') void this.#takeBack(streamId, message);
      throw thrown;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelRenewal?.();
    const streamIds = [...this.#inboxes.keys()];
    this.#inboxes.clear();
    await this.#parts.leases.release(streamIds.map((streamId) => this.#leaseOf(streamId)));
  }

  async #ask(streamId: string, message: StreamMessage): Promise<StreamReply> {
    this.#calls += 1;
    const call = this.#calls;
    const { promise, resolve, reject } = Promise.withResolvers<StreamReply>();
    this.#waiting.set(call, resolve);
    const cancelTimer = this.#parts.clock.after(answerTimeoutMs, () => reject(noAnswer()));
    const ask: Envelope = { kind: 'ask', from: this.#parts.instanceId, call, message };
    try {
      // Both at once: the time may be over while the message is still being sent.
      const [reply] = await Promise.all([promise, this.#send(inboxOf(streamId), ask)]);
      return reply;
    } finally {
      cancelTimer();
      this.#waiting.delete(call);
    }
  }

  async #answer(streamId: string, { from, call, message }: Envelope & { kind: 'ask' }): Promise<void> {
    const reply = await this.#listener?.(streamId, message).catch(faultReply);
    if (reply === undefined) return;
    // Who asked finds out by itself, by its timeout, that no answer came; and then nothing may have begun.
    await this.#send(inboxOf(from), { kind: 'answer', call, reply }).catch(async () => {
      if (message.kind === 'operation') await this.#listener?.(streamId, stopOf(message)).catch(faultReply);
    });
  }

  /** Its client was told that it did not begin, and may use its id again. */
  async #takeBack(streamId: string, operation: BegunMessage): Promise<void> {
    const { signal } = this.#closing;
    if (this.#takingBack >= maxWaiting) return;
    this.#takingBack += 1;
    for (let attempt = 1; attempt <= takeBack.attempts && !signal.aborted; attempt += 1) {
      const isDone = await this.#ask(streamId, stopOf(operation)).then(
        () => true,
        () => false,
      );
      if (isDone) break;
      await pause(takeBack.everyMs, this.#parts.clock, signal);
    }
    this.#takingBack -= 1;
  }

  async #send(topic: Topic, envelope: Envelope): Promise<void> {
    await this.#parts.broker.publish(topic, JSON.stringify(envelope));
  }

  #listen(topic: Topic, take: (envelope: Envelope) => void): Promise<Subscription> {
    return this.#parts.broker.subscribe(topic, {
      signal: this.#closing.signal,
      onEvent: ({ payload }) => {
        const envelope = envelopeFrom(payload);
        if (envelope) take(envelope);
      },
      onGap: () => {},
      onEnd: () => {},
    });
  }

  async #hold(streamId: string): Promise<boolean> {
    const { isHeld } = await this.#parts.leases.acquire(this.#leaseOf(streamId), 1, lease.ttlMs);
    return isHeld;
  }

  #leaseOf(streamId: string) {
    return { key: leaseKey(streamId), holder: this.#parts.instanceId };
  }

  /** One timer for all claims, while there are any. */
  #renewLater(): void {
    this.#cancelRenewal ??= this.#parts.clock.after(lease.renewEveryMs, () => {
      this.#cancelRenewal = undefined;
      // A renewal that fails is tried again while the lease still holds.
      for (const streamId of this.#inboxes.keys()) this.#hold(streamId).catch(() => {});
      if (this.#inboxes.size > 0 && !this.#closing.signal.aborted) this.#renewLater();
    });
  }
}

/** Ends what `operation` has begun, and nothing that has its id since. */
function stopOf({ operationId, attempt }: BegunMessage): StreamMessage {
  return { kind: 'stop', operationId, attempt };
}

function inboxOf(name: string): Topic {
  return topicFromOptions({ key: `weir.stream:${name}`, mode: 'lossy' });
}

function leaseKey(streamId: string): string {
  return `stream:${streamId}`;
}

/** Only instances publish here; what is none of theirs is passed over. */
function envelopeFrom(payload: Uint8Array): Envelope | undefined {
  const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
  return isObject(value) && (value['kind'] === 'ask' || value['kind'] === 'answer')
    ? (value as unknown as Envelope) // as: of the same version of this file
    : undefined;
}

/** Of a listener that failed, which is to answer every fault itself. */
function faultReply(): StreamReply {
  const { httpStatus: status, message } = errorTable.INTERNAL_SERVER_ERROR;
  return { status, errors: [{ message, extensions: { code: 'INTERNAL_SERVER_ERROR' } }] };
}

function noAnswer(): WeirError {
  return new WeirError('UPSTREAM_UNAVAILABLE', {
    message: 'The server that has this event stream does not answer; try again shortly.',
  });
}
