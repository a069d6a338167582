import { Counter, Gauge, type Registry } from 'prom-client';

/** What is counted of trusted documents. */
export interface DocumentMetrics {
  /** So many are in use now. */
  readonly inUse: (variant: string, documents: number) => void;
  /** Their files have changed, and were taken or refused. */
  readonly reloaded: (variant: string, outcome: 'taken' | 'refused') => void;
}

/** Metrics of the documents of manifests; the variants are those of the configuration. */
export function createDocumentMetrics(registry: Registry): DocumentMetrics {
  const registers = [registry];
  const documents = new Gauge({
    name: 'weir_trusted_documents',
    help: 'Documents of manifests that are in use.',
    labelNames: ['variant'],
    registers,
  });
  const reloads = new Counter({
    name: 'weir_trusted_document_reloads_total',
    help: 'Changes of manifests, by whether their documents were taken.',
    labelNames: ['variant', 'outcome'],
    registers,
  });
  return {
    inUse: (variant, count) => documents.set({ variant }, count),
    reloaded: (variant, outcome) => reloads.inc({ variant, outcome }),
  };
}
