import { Counter, Gauge, type Registry } from 'prom-client';

/** What is counted of trusted documents. */
export interface DocumentMetrics {
  /** So many are in use now. */
  readonly inUse: (variant: string, documents: number) => void;
  /** Counts the documents that requests of a variant ask for, by how each was found. */
  readonly finder: (variant: string) => (how: string) => void;
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
  const found = new Counter({
    name: 'weir_documents_total',
    help: 'Documents that requests asked for, by how they were found: trusted by id or text, automatic, untrusted.',
    labelNames: ['variant', 'found'],
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
    finder: (variant) => {
      const children = new Map<string, Counter.Internal>();
      return (how) => {
        const child = children.get(how) ?? found.labels({ variant, found: how });
        children.set(how, child);
        child.inc();
      };
    },
    reloaded: (variant, outcome) => reloads.inc({ variant, outcome }),
  };
}
