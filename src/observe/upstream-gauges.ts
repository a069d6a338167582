import { Gauge, type Registry } from 'prom-client';

/** What a scrape shows of one upstream: see UpstreamState, which has all of it. */
export interface UpstreamSample {
  readonly connectivity: string;
  readonly inFlight: number;
  readonly waiting: number;
  readonly liveStreams: number;
}

/** The state of every upstream, by its name. */
export type UpstreamSamples = Readonly<Record<string, UpstreamSample>>;

const connectivities = ['idle', 'connecting', 'ready', 'failing', 'closed'] as const;

/** Gauges of every upstream; the function that is returned reads them anew. */
export function createUpstreamGauges(registry: Registry, states: () => UpstreamSamples): () => void {
  const registers = [registry];
  const of = (name: string, help: string) => new Gauge({ name, help, labelNames: ['upstream'], registers });
  const inFlight = of('weir_upstream_calls_in_flight', 'Calls with a deadline that have not ended.');
  const waiting = of('weir_upstream_calls_waiting', 'Calls that wait for a place on a connection.');
  const liveStreams = of('weir_upstream_live_streams', 'Streams without a deadline that have not ended.');
  const state = new Gauge({
    name: 'weir_upstream_state',
    help: 'State of the best connection: 1 for the state it is in, 0 for the others.',
    labelNames: ['upstream', 'state'],
    registers,
  });
  return () => {
    for (const [upstream, sample] of Object.entries(states())) {
      inFlight.set({ upstream }, sample.inFlight);
      waiting.set({ upstream }, sample.waiting);
      liveStreams.set({ upstream }, sample.liveStreams);
      for (const name of connectivities)
        state.set({ upstream, state: name }, Number(sample.connectivity === name));
    }
  };
}
