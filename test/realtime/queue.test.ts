import { describe, expect, it } from 'vitest';
import { type OverflowPolicy, type QueueItem, SendQueue } from '../../src/realtime/queue.ts';

function createQueue({ maxBytes = 100, bufferedBytes = (): number => 0 } = {}) {
  const drains: number[] = [];
  const queue: SendQueue<string> = new SendQueue<string>({
    maxBytes,
    bufferedBytes,
    gapMarker: (stream) => ({ frame: `gap ${stream}`, bytes: 1 }),
    onDrain: () => drains.push(queue.length),
  });
  const all = () => {
    const frames: string[] = [];
    for (let frame = queue.shift(); frame !== undefined; frame = queue.shift()) frames.push(frame);
    return frames;
  };
  return { queue, drains, all };
}

function item(frame: string, bytes: number, policy: OverflowPolicy, rest: Partial<QueueItem<string>> = {}) {
  return { frame, bytes, policy, stream: 's', ...rest };
}

describe('SendQueue', () => {
  it.each([
    [39, 'queued'],
    [40, 'queued'],
    [41, 'overflow'],
  ])('push() of %i bytes behind 60 of 100 is %s', (bytes, outcome) => {
    const { queue } = createQueue();
    queue.push(item('a', 60, 'disconnect'));
    expect(queue.push(item('b', bytes, 'disconnect'))).toBe(outcome);
    expect(queue.bytes).toBe(outcome === 'queued' ? 60 + bytes : 60);
  });

  it('push() counts what has left the queue but not the process', () => {
    let buffered = 50;
    const { queue } = createQueue({ bufferedBytes: () => buffered });
    expect(queue.push(item('a', 51, 'disconnect'))).toBe('overflow');
    buffered = 49;
    expect(queue.push(item('a', 51, 'disconnect'))).toBe('queued');
  });

  it('push() takes an item of any size when nothing waits', () => {
    const { queue, all } = createQueue();
    expect(queue.push(item('huge', 1000, 'disconnect'))).toBe('queued');
    expect(queue.push(item('next', 0, 'disconnect'))).toBe('overflow');
    expect(all()).toEqual(['huge']);
  });

  it('shift() gives the items in order, and undefined when there is none', () => {
    const { queue, all } = createQueue();
    for (const frame of ['a', 'b', 'c']) queue.push(item(frame, 1, 'disconnect', { stream: frame }));
    expect(all()).toEqual(['a', 'b', 'c']);
    expect([queue.bytes, queue.length]).toEqual([0, 0]);
  });

  describe('latest', () => {
    it('replaces what waits with the same key, in its turn, and only that', () => {
      const { queue, all } = createQueue();
      const push = (frame: string, coalesceKey: string) =>
        queue.push(item(frame, 10, 'latest', { coalesceKey }));
      expect([push('x1', 'x'), push('y1', 'y'), push('x2', 'x'), push('x3', 'x')]).toEqual([
        'queued',
        'queued',
        'replaced',
        'replaced',
      ]);
      expect(queue.bytes).toBe(20);
      expect(all()).toEqual(['x3', 'y1']);
      expect(push('x4', 'x')).toBe('queued');
    });

    it('is one value for each stream by default', () => {
      const { queue, all } = createQueue();
      for (const stream of ['a', 'b', 'a'])
        queue.push(item(`${stream}${queue.length}`, 1, 'latest', { stream }));
      expect(all()).toEqual(['a2', 'b1']);
    });

    it('overflows when keys that cannot be replaced fill the queue, or the new value is too large', () => {
      const { queue } = createQueue();
      queue.push(item('x', 60, 'latest', { coalesceKey: 'x' }));
      expect(queue.push(item('y', 41, 'latest', { coalesceKey: 'y' }))).toBe('overflow');
      queue.push(item('z', 40, 'latest', { coalesceKey: 'z' }));
      expect(queue.push(item('x', 61, 'latest', { coalesceKey: 'x' }))).toBe('overflow');
      expect(queue.push(item('x', 60, 'latest', { coalesceKey: 'x' }))).toBe('replaced');
    });
  });

  describe('dropOldest', () => {
    it('drops the oldest of its stream until there is room, and tells so once where they stood', () => {
      const { queue, all } = createQueue();
      for (const frame of ['a', 'b', 'c', 'd']) queue.push(item(frame, 25, 'dropOldest'));
      const outcomes = ['e', 'f'].map((frame) => queue.push(item(frame, 25, 'dropOldest')));
      expect(outcomes).toEqual(['dropped', 'dropped']);
      expect(queue.bytes).toBeLessThanOrEqual(100);
      expect(all()).toEqual(['gap s', 'd', 'e', 'f']);
    });

    it('tells of a later gap again once the first has been sent', () => {
      const { queue, all } = createQueue({ maxBytes: 30 });
      const push = (frame: string) => queue.push(item(frame, 10, 'dropOldest'));
      for (const frame of ['a', 'b', 'c', 'd']) push(frame);
      expect([queue.shift(), queue.shift()]).toEqual(['gap s', 'c']);
      for (const frame of ['e', 'f', 'g']) push(frame);
      expect(all()).toEqual(['gap s', 'f', 'g']);
    });

    it('leaves other streams alone, and drops itself when they leave no room', () => {
      const { queue, all } = createQueue();
      queue.push(item('other', 95, 'disconnect', { stream: 'other' }));
      expect(queue.push(item('a', 10, 'dropOldest'))).toBe('dropped');
      expect(queue.push(item('b', 10, 'dropOldest'))).toBe('dropped');
      expect(queue.push(item('c', 2, 'dropOldest'))).toBe('queued');
      expect(all()).toEqual(['other', 'gap s', 'c']);
    });
  });

  it('forget() lets go of a stream with its gap, and of nothing else', () => {
    const { queue, all } = createQueue({ maxBytes: 30 });
    for (const frame of ['a', 'b']) queue.push(item(frame, 10, 'dropOldest'));
    queue.push(item('other', 10, 'disconnect', { stream: 'other' }));
    queue.push(item('c', 10, 'dropOldest'));
    queue.forget('s');
    queue.forget('unknown');
    expect(queue.bytes).toBe(10);
    expect(all()).toEqual(['other']);
  });

  it('onDrain() is called when all has left after something was refused, once', () => {
    const { queue, drains, all } = createQueue();
    queue.push(item('a', 60, 'disconnect'));
    all();
    expect(drains).toEqual([]);
    queue.push(item('a', 60, 'disconnect'));
    queue.push(item('b', 60, 'disconnect'));
    all();
    all();
    expect(drains).toEqual([0]);
  });

  it('keeps its books under any sequence of calls', () => {
    const { queue } = createQueue({ maxBytes: 200 });
    const policies = ['latest', 'dropOldest', 'disconnect'] as const;
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let step = 0; step < 20_000; step += 1) {
      const stream = random(5);
      const policy = policies[stream % 3] ?? 'latest';
      const action = random(10);
      if (action < 6) queue.push(item(`${step}`, 1 + random(60), policy, { stream: `${stream}` }));
      else if (action < 9) queue.shift();
      else queue.forget(`${stream}`);
      expect(queue.bytes).toBeLessThanOrEqual(200 + 5);
      expect(queue.bytes >= queue.length).toBe(true);
    }
    while (queue.shift() !== undefined);
    expect([queue.bytes, queue.length]).toEqual([0, 0]);
  });
});
