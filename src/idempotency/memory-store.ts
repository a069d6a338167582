import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import { type KeyRecord, type Step, stateMachine } from './state-machine.ts';
import { type IdempotencyStore, keyTimes } from './store.ts';

/** What a memory store needs. */
export interface MemoryStoreOptions {
  readonly clock: Clock;
  /** Most keys. Default 100,000. */
  readonly maxRecords?: number;
  /** About what their answers may take, in characters. Default 64 Mi. */
  readonly maxAnswerLength?: number;
}

/** A store in memory that tells how many keys it has. */
export interface MemoryIdempotencyStore extends IdempotencyStore {
  readonly size: () => number;
}

interface Entry {
  readonly record: KeyRecord;
  readonly expiresAtMs: number;
}

/**
 * The keys of one process. At a bound the oldest answer is forgotten; when there is none to forget, a claim of a new key
 * rejects with `OVERLOADED`.
 */
export function createMemoryStore(options: MemoryStoreOptions): MemoryIdempotencyStore {
  const books = new Books(options);
  const { clock } = options;
  return {
    claim: async (request) => {
      const { id } = request;
      if (!books.get(id)) books.makeRoom();
      return books.apply(id, stateMachine.claim(books.get(id), request, clock.nowMs()));
    },
    extend: async (holder) =>
      books.apply(holder.id, stateMachine.extend(books.get(holder.id), holder, clock.nowMs())),
    complete: async (holder, answer) =>
      books.apply(holder.id, stateMachine.complete(books.get(holder.id), holder, answer)),
    release: async (holder) => books.apply(holder.id, stateMachine.release(books.get(holder.id), holder)),
    abandon: async (holder) => books.apply(holder.id, stateMachine.abandon(books.get(holder.id), holder)),
    close: async () => books.clear(),
    size: () => books.size,
  };
}

/** Entries in the order of their last change, which is that of their expiry; those that are done apart from the open ones. */
class Books {
  readonly #options: Required<MemoryStoreOptions>;
  readonly #open = new Map<string, Entry>();
  readonly #done = new Map<string, Entry>();
  #answerLength = 0;

  constructor({ clock, maxRecords = 100_000, maxAnswerLength = 64 * 1024 * 1024 }: MemoryStoreOptions) {
    this.#options = { clock, maxRecords, maxAnswerLength };
  }

  get size(): number {
    return this.#open.size + this.#done.size;
  }

  get(id: string): KeyRecord | undefined {
    const entry = this.#open.get(id) ?? this.#done.get(id);
    return entry && entry.expiresAtMs > this.#options.clock.nowMs() ? entry.record : undefined;
  }

  apply<Reply>(id: string, { reply, next }: Step<Reply>): Reply {
    if (next !== undefined) this.#remove(id);
    if (next) {
      const expiresAtMs = this.#options.clock.nowMs() + keyTimes.retentionMs;
      (next.state === 'done' ? this.#done : this.#open).set(id, { record: next, expiresAtMs });
      this.#answerLength += lengthOf(next);
      while (this.#answerLength > this.#options.maxAnswerLength && this.#done.size > 1)
        this.#removeOldest(this.#done);
    }
    return reply;
  }

  makeRoom(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const entries of [this.#open, this.#done])
      while ((oldestOf(entries)?.[1].expiresAtMs ?? nowMs + 1) <= nowMs) this.#removeOldest(entries);
    if (this.size < this.#options.maxRecords) return;
    if (this.#done.size === 0)
      throw new WeirError('OVERLOADED', { cause: new Error('The store of idempotency keys is full.') });
    this.#removeOldest(this.#done);
  }

  clear(): void {
    this.#open.clear();
    this.#done.clear();
    this.#answerLength = 0;
  }

  #removeOldest(entries: ReadonlyMap<string, Entry>): void {
    const [id] = oldestOf(entries) ?? [];
    if (id !== undefined) this.#remove(id);
  }

  #remove(id: string): void {
    const entry = this.#open.get(id) ?? this.#done.get(id);
    if (!entry) return;
    this.#answerLength -= lengthOf(entry.record);
    this.#open.delete(id);
    this.#done.delete(id);
  }
}

function oldestOf(entries: ReadonlyMap<string, Entry>): [string, Entry] | undefined {
  return entries.entries().next().value;
}

function lengthOf(record: KeyRecord): number {
  return record.state === 'done' && record.answer.kind === 'text' ? record.answer.text.length : 0;
}
