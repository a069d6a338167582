import type { DocumentLimits } from '../../../src/guard/documents.ts';
import { type ShapeLimits, shapeLimits } from '../../../src/guard/shape/limits.ts';

/** The bounds of the guard as a gateway has them that names none. */
export const defaultLimits: ShapeLimits = Object.fromEntries(
  Object.entries(shapeLimits).map(([name, limit]) => [name, limit.default]),
) as ShapeLimits; // as: the names of one table

export const defaultDocumentLimits: DocumentLimits = {
  ...defaultLimits,
  maxErrors: 50,
  maxDocuments: 1000,
  documentsMaxBytes: 67_108_864,
};
