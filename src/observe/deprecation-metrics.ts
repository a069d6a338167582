import { Counter, type Registry } from 'prom-client';
import { createChildren } from './children.ts';
import type { RecordedDeprecation } from './operation-record.ts';
import { readableText } from './readable-text.ts';

/** The metric of what is deprecated and still used; the function that is returned counts the uses of one operation. */
export function createDeprecationMetrics(
  registry: Registry,
  maxLabelSets: number,
): (deprecated: RecordedDeprecation) => void {
  const uses = new Counter({
    name: 'weir_deprecated_uses_total',
    help: 'Operations that used a deprecated element of the schema, by who asked with what.',
    labelNames: ['field', 'document', 'client'],
    registers: [registry],
  });
  const childOf = createChildren(maxLabelSets, (field, document, client) =>
    uses.labels({ field, document, client }),
  );
  return ({ fields, document, client }) => {
    for (const field of fields) childOf(field, readableText(document), readableText(client)).inc();
  };
}
