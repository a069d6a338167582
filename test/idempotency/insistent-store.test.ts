import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors.ts';
import { createInsistentStore } from '../../src/idempotency/insistent-store.ts';
import { createMemoryStore } from '../../src/idempotency/memory-store.ts';
import type { IdempotencyStore } from '../../src/idempotency/store.ts';
import { storedAnswerFrom } from '../../src/idempotency/stored-answer.ts';
import { createFakeClock } from '../kit/fake-clock.ts';

const request = { id: 'id', fingerprint: 'f', token: 'a', isRepeatable: true };
const holder = { id: 'id', fingerprint: 'f', token: 'a', attempt: 1 };

/** A store before which a line fails: `fails` calls reject, `hangs` calls do what they do and their replies are lost. */
function openFaulty() {
  const clock = createFakeClock();
  const memory = createMemoryStore({ clock });
  const line = { fails: 0, hangs: 0, calls: 0 };
  const failures: unknown[] = [];
  async function over<Reply>(call: () => Promise<Reply>): Promise<Reply> {
    line.calls += 1;
    if (line.fails-- > 0) throw new Error('connection lost');
    const reply = await call();
    return line.hangs-- > 0 ? new Promise<Reply>(() => {}) : reply;
  }
  const faulty: IdempotencyStore = {
    claim: (asked) => over(() => memory.claim(asked)),
    extend: (held) => over(() => memory.extend(held)),
    complete: (held, answer) => over(() => memory.complete(held, answer)),
    release: (held) => over(() => memory.release(held)),
    abandon: (held) => over(() => memory.abandon(held)),
    close: memory.close,
  };
  const store = createInsistentStore({ store: faulty, clock, onFailure: (error) => failures.push(error) });
  /** The outcome of a call, with as much time as it takes. */
  async function outlast<Reply>(call: Promise<Reply>): Promise<Reply> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    call.then(over, over);
    while (!isOver) {
      clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return call;
  }
  return { store, line, failures, clock, outlast };
}

describe('createInsistentStore()', () => {
  it('repeats a claim whose reply was lost, and it is the same claim', async () => {
    const { store, line, outlast, failures } = openFaulty();
    line.hangs = 1;
    expect(await outlast(store.claim(request))).toEqual({ kind: 'claimed', attempt: 1 });
    expect([line.calls, failures.length]).toEqual([2, 1]);
  });

  it('repeats an answer until it is kept', async () => {
    const { store, line, outlast } = openFaulty();
    await outlast(store.claim(request));
    line.fails = 3;
    const answer = storedAnswerFrom('{}');
    expect(await outlast(store.complete(holder, answer))).toEqual({ kind: 'kept' });
    expect(await outlast(store.claim({ ...request, token: 'b' }))).toEqual({ kind: 'done', answer });
  });

  it('is out of patience after a second and a half, and then asks once for each claim until there is a reply', async () => {
    const { store, line, outlast, clock } = openFaulty();
    line.fails = Number.POSITIVE_INFINITY;
    const refused = expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE' });
    await expect(outlast(store.claim(request))).rejects.toEqual(refused);
    expect(clock.nowMs()).toBeLessThan(2000);
    line.calls = 0;
    await expect(outlast(store.claim(request))).rejects.toEqual(refused);
    expect(line.calls).toBe(1);
    line.fails = 0;
    await outlast(store.claim(request));
    line.fails = 1;
    expect(await outlast(store.claim(request))).toEqual({ kind: 'claimed', attempt: 1 });
  });

  it('leaves a heartbeat that failed to the next', async () => {
    const { store, line, outlast } = openFaulty();
    line.fails = 1;
    await expect(outlast(store.extend(holder))).rejects.toThrow(WeirError);
    expect(line.calls).toBe(1);
  });

  it('hands on what the store itself refuses', async () => {
    const clock = createFakeClock();
    const store = createInsistentStore({ store: createMemoryStore({ clock, maxRecords: 0 }), clock });
    await expect(store.claim(request)).rejects.toMatchObject({ code: 'OVERLOADED' });
  });

  it('leaves no timer behind', async () => {
    const { store, clock, outlast } = openFaulty();
    await outlast(store.claim(request));
    expect(clock.pendingTimers).toBe(0);
  });
});
