import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createDeadline, linkSignals, onAbort, unlessAborted } from '../src/signal.ts';
import { createFakeClock } from './kit/fake-clock.ts';

const listenersOf = ({ signal }: AbortController) => getEventListeners(signal, 'abort').length;

describe('linkSignals()', () => {
  it.each([0, 1, 2])('aborts with the reason of source %d when that one aborts', (index) => {
    const sources = [new AbortController(), new AbortController(), new AbortController()];
    const linked = linkSignals(...sources.map(({ signal }) => signal));
    expect(linked.signal.aborted).toBe(false);
    sources[index]?.abort(`reason ${index}`);
    expect(linked.signal.aborted).toBe(true);
    expect(linked.signal.reason).toBe(`reason ${index}`);
  });

  it('keeps the first reason when a second source aborts', () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const linked = linkSignals(one.signal, two.signal);
    two.abort('two');
    one.abort('one');
    expect(linked.signal.reason).toBe('two');
  });

  it('is aborted from the start when a source is', () => {
    expect(linkSignals(new AbortController().signal, AbortSignal.abort('early')).signal.reason).toBe('early');
  });

  it('never aborts when there are no sources', () => {
    expect(linkSignals().signal.aborted).toBe(false);
  });

  it('leaves no listener and does not abort when it is cleaned up', () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const linked = linkSignals(one.signal, two.signal);
    expect([listenersOf(one), listenersOf(two)]).toEqual([1, 1]);
    linked.cleanup();
    linked.cleanup();
    expect([listenersOf(one), listenersOf(two)]).toEqual([0, 0]);
    one.abort();
    expect(linked.signal.aborted).toBe(false);
  });
});

describe('createDeadline()', () => {
  it('aborts with a TimeoutError when its time has come, not before', () => {
    const clock = createFakeClock();
    clock.advance(1000);
    const deadline = createDeadline(50, clock);
    expect(deadline.atMs).toBe(1050);
    clock.advance(49);
    expect(deadline.signal.aborted).toBe(false);
    clock.advance(1);
    expect(deadline.signal.aborted).toBe(true);
    expect(deadline.signal.reason).toMatchObject({
      name: 'TimeoutError',
      message: 'The deadline of 50 ms passed.',
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts down to 0 and stays there', () => {
    const clock = createFakeClock();
    const deadline = createDeadline(50, clock);
    expect(deadline.remainingMs()).toBe(50);
    clock.advance(20);
    expect(deadline.remainingMs()).toBe(30);
    clock.advance(100);
    expect(deadline.remainingMs()).toBe(0);
  });

  it('is not moved when the wall clock jumps', () => {
    const clock = createFakeClock();
    const deadline = createDeadline(50, clock);
    clock.jumpWall(clock.wallMs() + 3_600_000);
    expect(deadline.remainingMs()).toBe(50);
    expect(deadline.signal.aborted).toBe(false);
  });

  it('aborts with the reason of its parent when that aborts first', () => {
    const clock = createFakeClock();
    const parent = new AbortController();
    const deadline = createDeadline(50, clock, parent.signal);
    parent.abort('client left');
    expect(deadline.signal.reason).toBe('client left');
    clock.advance(50);
    expect(deadline.signal.reason).toBe('client left');
  });

  it('is aborted from the start when its parent is', () => {
    const deadline = createDeadline(50, createFakeClock(), AbortSignal.abort('gone'));
    expect(deadline.signal.reason).toBe('gone');
    deadline.cleanup();
  });

  it('leaves no timer and no listener when it is cleaned up', () => {
    const clock = createFakeClock();
    const parent = new AbortController();
    const deadline = createDeadline(50, clock, parent.signal);
    expect([clock.pendingTimers, listenersOf(parent)]).toEqual([1, 1]);
    deadline.cleanup();
    deadline.cleanup();
    expect([clock.pendingTimers, listenersOf(parent)]).toEqual([0, 0]);
    parent.abort();
    clock.advance(50);
    expect(deadline.signal.aborted).toBe(false);
  });
});

describe('onAbort()', () => {
  it('runs once when the signal aborts', () => {
    const controller = new AbortController();
    let times = 0;
    onAbort(controller.signal, () => {
      times += 1;
    });
    expect(times).toBe(0);
    controller.abort();
    controller.signal.dispatchEvent(new Event('abort'));
    expect(times).toBe(1);
  });

  it('runs at once when the signal is aborted', () => {
    let times = 0;
    const remove = onAbort(AbortSignal.abort(), () => {
      times += 1;
    });
    remove();
    expect(times).toBe(1);
  });

  it('does not run when it was removed', () => {
    const controller = new AbortController();
    const remove = onAbort(controller.signal, () => expect.unreachable());
    remove();
    remove();
    expect(listenersOf(controller)).toBe(0);
    controller.abort();
  });
});

describe('unlessAborted()', () => {
  const reason = new Error('no longer');

  it('gives the outcome of the work, and leaves no listener', async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(Promise.resolve('done'), signal)).toBe('done');
    await expect(unlessAborted(Promise.reject(reason), signal)).rejects.toBe(reason);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('gives the reason when the signal aborts first, or has, whatever becomes of the work', async () => {
    const controller = new AbortController();
    const work = Promise.withResolvers<string>();
    const outcome = unlessAborted(work.promise, controller.signal);
    controller.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    await expect(unlessAborted(work.promise, controller.signal)).rejects.toBe(reason);
    work.reject(new Error('too late for anybody'));
  });
});
