import { systemClock } from '../src/clock.ts';
import { signDevelopmentToken } from '../src/identity/development-keys.ts';
import type { SubscriberTransport } from '../test/kit/events/raw-subscriber.ts';
import { createClient } from './harness/client.ts';
import { planSlices } from './harness/contest.ts';
import { Crowd } from './harness/crowd.ts';
import { countExecutions, type EventServerKind, startEventServer } from './harness/event-server.ts';
import type { Program } from './harness/program.ts';
import type { Figures, RunOptions, Scenario } from './harness/scenario.ts';
import { medianInterval } from './harness/statistics.ts';

const subscribers = 1000;
/** Characters of the text of an event, so that its message has about 160 bytes without a cursor. */
const textBytes = 80;
/** Events on their way at once, and what the rows of it are called: never idle, and each event by itself. */
const loads = [
  { inFlight: 3, suffix: '' },
  { inFlight: 1, suffix: '-one' },
] as const;
const warmUpRounds = 3;
const warmUpMs = 1000;

/** A server and how it is asked. */
interface Field {
  readonly name: string;
  readonly kind: EventServerKind;
  readonly transport: SubscriberTransport;
  readonly feed: 'log' | 'mine';
  /** Another checkout, whose server it is. */
  readonly folder?: string;
}

/** Who is compared: the first is what the others are measured against. */
const own = [
  { name: 'weir-ws', kind: 'weir', transport: 'ws', feed: 'log' },
  { name: 'weir-sse', kind: 'weir', transport: 'sse', feed: 'log' },
  { name: 'weir-ws-viewers', kind: 'weir', transport: 'ws', feed: 'mine' },
] as const satisfies readonly Field[];
const peers: readonly Field[] = [
  { name: 'yoga-graphql-ws', kind: 'graphql-ws', transport: 'ws', feed: 'log' },
  { name: 'graphql-sse', kind: 'graphql-sse', transport: 'sse', feed: 'log' },
  { name: 'ceiling', kind: 'ceiling', transport: 'ws', feed: 'log' },
];

interface Slice {
  readonly cpuUsPerDelivery: number;
  readonly deliveriesPerSecond: number;
}

/** A contestant under one load: one row of the table. */
interface Line {
  readonly inFlight: number;
  readonly suffix: string;
  readonly slices: Slice[];
}

interface Contestant {
  readonly name: string;
  readonly program: Program;
  readonly crowd: Crowd;
  readonly executionsBefore: number;
  readonly lines: readonly Line[];
}

/** One event to 1,000 subscribers of one topic, shared or one audience each, beside stock servers. */
export const fanout: Scenario = {
  description:
    'one event to 1,000 subscribers: Weir shared and per viewer, Yoga with graphql-ws, graphql-sse',
  run: async (options) => {
    await using stack = new AsyncDisposableStack();
    const tokens = await signTokens();
    const contestants: Contestant[] = [];
    for (const { name, kind, transport, feed, folder } of fieldsOf(options)) {
      const program = await startEventServer(stack, options, { name, kind, folder });
      const url = new URL(program.address);
      const crowd = new Crowd({
        url,
        transport,
        feed,
        size: subscribers,
        tokens: feed === 'mine' ? tokens : undefined,
      });
      stack.defer(() => crowd.close());
      await crowd.open();
      options.progress(`${name}: ${subscribers} subscribers`);
      const lines = loads.map((load) => ({ ...load, slices: [] }));
      contestants.push({ name, program, crowd, executionsBefore: await countExecutions(url), lines });
    }
    await runSlices(contestants, options);
    const rows: Figures[] = [];
    for (const index of loads.keys())
      for (const contestant of contestants)
        rows.push(...(await rowsOf(contestant, index, contestants[0]?.lines[index]?.slices ?? [])));
    return rows;
  },
};

/** Each of another checkout beside the same of this one. */
function fieldsOf({ against }: RunOptions): readonly Field[] {
  const others = against.flatMap((folder) =>
    own.map((field) => ({ ...field, name: `${field.name} ${folder}`.replaceAll('/', '_'), folder })),
  );
  return [...own, ...others, ...peers];
}

function signTokens(): Promise<readonly string[]> {
  const who = { issuer: 'weir-development', audience: 'weir' };
  const signed = Array.from({ length: subscribers }, (_, index) =>
    signDevelopmentToken({ sub: `user-${index}`, ...who }, systemClock),
  );
  return Promise.all(signed);
}

/** In turn, so that whatever else the machine does meets all of them; who begins changes with each cycle. */
async function runSlices(contestants: readonly Contestant[], options: RunOptions): Promise<void> {
  const { cycles, sliceMs } = planSlices(options.seconds, contestants.length * loads.length);
  for (let round = 0; round < warmUpRounds; round += 1)
    for (const contestant of contestants) await runLines(contestant, warmUpMs, options);
  for (const { program, lines } of contestants) {
    for (const { slices } of lines) slices.length = 0;
    await program.profile();
  }
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    for (const index of contestants.keys()) {
      const contestant = contestants[(index + cycle) % contestants.length];
      if (contestant) await runLines(contestant, sliceMs, options);
    }
    options.progress(`cycle ${cycle + 1} of ${cycles}`);
  }
}

async function runLines(contestant: Contestant, sliceMs: number, options: RunOptions): Promise<void> {
  for (const line of contestant.lines) await runSlice(contestant, { ...line, sliceMs }, options);
}

async function runSlice(
  { program, crowd }: Contestant,
  { inFlight, slices, sliceMs }: Line & { readonly sliceMs: number },
  { signal }: RunOptions,
): Promise<void> {
  signal.throwIfAborted();
  const clients = await Promise.all(
    Array.from({ length: inFlight }, () => createClient(new URL(program.address), 1)),
  );
  try {
    const receivedBefore = crowd.received;
    const before = await program.usage();
    const startMs = performance.now();
    const work = async (client: (typeof clients)[number]) => {
      while (performance.now() < startMs + sliceMs) await crowd.publish(client, textBytes);
    };
    await Promise.all(clients.map(work));
    const seconds = (performance.now() - startMs) / 1000;
    const after = await program.usage();
    const deliveries = crowd.received - receivedBefore;
    slices.push({
      cpuUsPerDelivery: (after.cpuUs - before.cpuUs) / deliveries,
      deliveriesPerSecond: deliveries / seconds,
    });
  } finally {
    for (const client of clients) client.close();
  }
}

async function rowsOf(contestant: Contestant, load: number, first: readonly Slice[]): Promise<Figures[]> {
  const { program, crowd, executionsBefore, lines } = contestant;
  const line = lines[load];
  if (!line) return [];
  const { slices } = line;
  const executions = (await countExecutions(new URL(program.address))) - executionsBefore;
  const ratios = slices.map(
    ({ cpuUsPerDelivery }, cycle) => cpuUsPerDelivery / (first[cycle]?.cpuUsPerDelivery ?? Number.NaN),
  );
  const row = {
    name: contestant.name + line.suffix,
    cpuUsPerDelivery: medianInterval(slices.map((slice) => slice.cpuUsPerDelivery)),
    deliveriesPerSecond: medianInterval(slices.map((slice) => slice.deliveriesPerSecond)),
    bytesPerDelivery: Math.round(crowd.receivedBytes / crowd.received),
    executionsPerEvent: executions / crowd.published,
    rssMb: (await program.usage()).rssBytes / 2 ** 20,
    ratioToFirst: medianInterval(ratios),
  };
  return [row];
}
