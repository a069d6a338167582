import { expect, it } from 'vitest';
import { startProgram } from '../../bench/harness/program.ts';
import { countSlow } from '../../bench/harness/slow-count.ts';
import { probeStalledReader } from '../../bench/harness/stalled-reader.ts';
import { printFigures } from './figures.ts';

/** More than the buffers of the kernel, 4 to 6 MB, and the queue of a connection hold. */
const events = 9000;

it.each([
  ['ws', 1013],
  ['sse', undefined],
] as const)(
  'one stalled reader over %s is sent away, and the other has everything',
  async (transport, closeCode) => {
    await using stack = new AsyncDisposableStack();
    const program = await startProgram({
      name: 'gateway',
      args: ['test/kit/events/gateway.ts'],
      ready: /ready on (http:\S+)/,
    });
    stack.defer(() => program.end());
    const outcome = await probeStalledReader({
      url: new URL(program.address),
      transport,
      bytes: 1000,
      eventsPerSecond: undefined,
      events,
      last: 0,
      isStalled: true,
      countSlow: () => countSlow(program.facts['metrics'] ?? ''),
    });
    printFigures(`a stalled reader over ${transport}`, {
      published: outcome.published,
      healthy: outcome.healthy.count,
      endedAfter: outcome.endedAfter ?? 0,
    });
    expect(outcome.healthy).toEqual({ count: events, lost: 0, repeated: 0, gaps: 0 });
    // Within the bound of its queue, and retryably.
    expect(outcome.endedAfter).toBeLessThan(events);
    expect(outcome.stalledEnd).toEqual({ closeCode, isComplete: false });
  },
);
