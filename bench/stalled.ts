import type { SubscriberTransport } from '../test/kit/events/raw-subscriber.ts';
import { startEventServer } from './harness/event-server.ts';
import type { Held } from './harness/probe.ts';
import type { Figures, RunOptions, Scenario } from './harness/scenario.ts';
import { countSlow } from './harness/slow-count.ts';
import { probeStalledReader } from './harness/stalled-reader.ts';

const eventsPerSecond = 2000;
const bytes = 1000;
/** Garbage is collected for each sample, which takes some time. */
const looksPerSample = 2;

/** A reader that stops reading beside one that reads, at full load. */
export const stalled: Scenario = {
  description: '2,000 events of 1 kB a second, one reader of two has stopped reading: what the other gets',
  run: async (options) => [await measure('ws', options), await measure('sse', options)],
};

async function measure(transport: SubscriberTransport, options: RunOptions): Promise<Figures> {
  await using stack = new AsyncDisposableStack();
  const program = await startEventServer(stack, options, { name: `weir-${transport}`, kind: 'weir' });
  const url = new URL(program.address);
  const metricsUrl = program.facts['metrics'] ?? '';
  const events = Math.round((eventsPerSecond * options.seconds) / 6);
  let peakBytes = 0;
  const run = (last: number, isStalled: boolean) => {
    peakBytes = 0;
    let looks = 0;
    const sample = async () => {
      looks += 1;
      if (looks % looksPerSample === 0)
        peakBytes = Math.max(peakBytes, (await program.ask<Held>('held')).heapBytes);
    };
    const counted = () => countSlow(metricsUrl);
    return probeStalledReader({
      url,
      transport,
      bytes,
      eventsPerSecond,
      events,
      last,
      isStalled,
      countSlow: counted,
      sample,
    });
  };
  // Twice with two readers that read, for what the load itself takes once it is warm.
  await run(0, false);
  const calm = await run(events, false);
  const calmPeakBytes = peakBytes;
  options.progress(`${program.name}: two readers that read have ${calm.healthy.count} of ${calm.published}`);
  const outcome = await run(2 * events, true);
  return {
    name: program.name,
    published: outcome.published,
    healthyReceived: outcome.healthy.count,
    healthyLost: outcome.healthy.lost + outcome.healthy.repeated + outcome.healthy.gaps,
    endedAfterEvents: outcome.endedAfter ?? 'never',
    closeCode: outcome.stalledEnd?.closeCode ?? 'none',
    toldComplete: outcome.stalledEnd?.isComplete ? 'YES' : 'no',
    heldMoreMb: (peakBytes - calmPeakBytes) / 2 ** 20,
    heldMb: peakBytes / 2 ** 20,
  };
}
