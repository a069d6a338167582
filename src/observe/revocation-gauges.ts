import { Gauge, type Registry } from 'prom-client';

/** What a scrape shows of revoked tokens. */
export interface RevocationSample {
  /** That this instance knows. */
  readonly held: number;
  /** For how long Redis has not said that these are all. */
  readonly unconfirmedSeconds: number;
}

/** Gauges of revocations; the function that is returned reads them anew. */
export function createRevocationGauges(registry: Registry, sample: () => RevocationSample): () => void {
  const registers = [registry];
  const held = new Gauge({
    name: 'weir_revocations',
    help: 'Revocations of tokens that are in force here.',
    registers,
  });
  const unconfirmed = new Gauge({
    name: 'weir_revocations_unconfirmed_seconds',
    help: 'For how long Redis has not confirmed that no further token is revoked; 0 without Redis.',
    registers,
  });
  return () => {
    const now = sample();
    held.set(now.held);
    unconfirmed.set(now.unconfirmedSeconds);
  };
}
