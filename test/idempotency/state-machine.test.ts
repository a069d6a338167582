import { describe, expect, it } from 'vitest';
import { type KeyRecord, stateMachine } from '../../src/idempotency/state-machine.ts';
import { keyTimes } from '../../src/idempotency/store.ts';

const request = { id: 'id', fingerprint: 'asked', token: 'mine', isRepeatable: true };
const holder = { id: 'id', fingerprint: 'asked', token: 'mine', attempt: 1 };
const answer = { kind: 'text', text: '{"data":{}}' } as const;
const leaseEndMs = 1000;
const base = { fingerprint: 'asked', token: 'theirs', attempt: 1 };
const running: KeyRecord = { ...base, state: 'running', leaseEndMs };
const unknown: KeyRecord = { ...base, state: 'unknown' };
const done: KeyRecord = { ...base, state: 'done', answer };
const mine: KeyRecord = { ...running, token: 'mine' };

describe('stateMachine.claim()', () => {
  it('gives an absent key to who asks, with a lease', () => {
    expect(stateMachine.claim(undefined, request, 5)).toEqual({
      reply: { kind: 'claimed', attempt: 1 },
      next: {
        state: 'running',
        fingerprint: 'asked',
        token: 'mine',
        attempt: 1,
        leaseEndMs: 5 + keyTimes.leaseMs,
      },
    });
  });

  it.each([running, unknown, done])('tells a mismatch before all else when it is $state', (record) => {
    expect(stateMachine.claim(record, { ...request, fingerprint: 'other' }, 0)).toEqual({
      reply: { kind: 'mismatch' },
    });
  });

  it('replays what is done, for ever', () => {
    expect(stateMachine.claim(done, request, 1e15)).toEqual({ reply: { kind: 'done', answer } });
  });

  it.each([
    [leaseEndMs - 1, { kind: 'running', leaseLeftMs: 1 }],
    [leaseEndMs, { kind: 'claimed', attempt: 2 }],
    [leaseEndMs + 1, { kind: 'claimed', attempt: 2 }],
  ])('at %i ms of a lease that ends at 1000: %j', (nowMs, reply) => {
    expect(stateMachine.claim(running, request, nowMs).reply).toEqual(reply);
  });

  it('takes over what nobody knows of, and only what may run again', () => {
    expect(stateMachine.claim(unknown, request, 0).reply).toEqual({ kind: 'claimed', attempt: 2 });
    const once = { ...request, isRepeatable: false };
    expect(stateMachine.claim(unknown, once, 0)).toEqual({ reply: { kind: 'unknown' } });
    expect(stateMachine.claim(running, once, leaseEndMs)).toEqual({ reply: { kind: 'unknown' } });
  });

  it.each([mine, { ...mine, attempt: 3 }])(
    'gives the same claim again when its reply was lost: $attempt',
    (record) => {
      const { reply, next } = stateMachine.claim(record, { ...request, isRepeatable: false }, 500);
      expect(reply).toEqual({ kind: 'claimed', attempt: record.attempt });
      expect(next).toMatchObject({ leaseEndMs: 500 + keyTimes.leaseMs });
    },
  );
});

describe('stateMachine.extend()', () => {
  it('prolongs its own claim and one that was forgotten', () => {
    for (const record of [mine, undefined])
      expect(stateMachine.extend(record, holder, 7)).toEqual({
        reply: true,
        next: { ...mine, leaseEndMs: 7 + keyTimes.leaseMs },
      });
  });

  it.each<KeyRecord>([running, unknown, done, { ...done, token: 'mine' }, { ...unknown, token: 'mine' }])(
    'changes nothing when the record is $state of $token',
    (record) => {
      expect(stateMachine.extend(record, holder, 7)).toEqual({ reply: false });
    },
  );
});

describe('stateMachine.complete()', () => {
  it.each<[string, KeyRecord | undefined]>([
    ['it runs', mine],
    ['it was abandoned', { ...unknown, token: 'mine' }],
    ['it was forgotten', undefined],
  ])('keeps the answer when %s', (_what, record) => {
    expect(stateMachine.complete(record, holder, answer)).toEqual({
      reply: { kind: 'kept' },
      next: { ...done, token: 'mine' },
    });
  });

  it('keeps the first answer when it is told twice', () => {
    const record: KeyRecord = { ...done, token: 'mine' };
    const other = { kind: 'text', text: 'other' } as const;
    expect(stateMachine.complete(record, holder, other)).toEqual({ reply: { kind: 'kept' } });
  });

  it('is lost when another has the claim, and gives their answer when there is one', () => {
    expect(stateMachine.complete(running, holder, answer)).toEqual({
      reply: { kind: 'lost', answer: undefined },
    });
    expect(stateMachine.complete(done, holder, answer)).toEqual({ reply: { kind: 'lost', answer } });
  });
});

describe('stateMachine.release() and abandon()', () => {
  it('forgets a first attempt that had no effect', () => {
    expect(stateMachine.release(mine, holder)).toEqual({ reply: undefined, next: null });
  });

  it('remembers that an earlier attempt may have had an effect', () => {
    expect(stateMachine.release({ ...mine, attempt: 2 }, { ...holder, attempt: 2 })).toEqual({
      reply: undefined,
      next: { ...unknown, token: 'mine', attempt: 2 },
    });
  });

  it.each([mine, undefined])('keeps an attempt of which nobody knows: %#', (record) => {
    expect(stateMachine.abandon(record, holder).next).toEqual({ ...unknown, token: 'mine' });
  });

  it.each<KeyRecord>([running, unknown, done, { ...done, token: 'mine' }])(
    'changes nothing when the record is $state of $token',
    (record) => {
      expect(stateMachine.release(record, holder)).toEqual({ reply: undefined });
      expect(stateMachine.abandon(record, holder)).toEqual({ reply: undefined });
    },
  );
});
