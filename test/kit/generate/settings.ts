import { OperationTypeNode } from 'graphql';
import type { ValueSources } from './input-values.ts';
import { legalPages, type PageSource } from './page-source.ts';

/** How often what occurs: weights of the kinds of a selection, and probabilities from 0 to 1. */
export interface OperationShape {
  /** Most selections of one selection set. */
  readonly maxSelections: number;
  /** Most operations of one document. */
  readonly maxOperations: number;
  readonly field: number;
  readonly repeat: number;
  readonly typename: number;
  readonly inlineFragment: number;
  readonly fragmentSpread: number;
  /** Probability that a field has an alias. */
  readonly alias: number;
  /** Probability that a selection has @skip, and that it has @include. */
  readonly directive: number;
  /** Probability that a value, or a part of one, comes in a variable. */
  readonly variable: number;
}

/** How long a list without a page is: for everything or by the arguments of its field. */
export type ListSize = number | ((values: Readonly<Record<string, unknown>>) => number);

/** What operations to make. */
export interface OperationOptions {
  readonly kind?: OperationTypeNode;
  /** Most braces within each other; a hop over a connection takes three. Default 9. */
  readonly maxDepth?: number;
  /** About as many objects as an answer may have. Default 150. */
  readonly maxObjects?: number;
  readonly sources?: ValueSources;
  /** Default: legal pages of at most 100 rows, 20 where no size is given. */
  readonly pages?: PageSource;
  /** By field coordinate (`Thing.parts`). Default: 3. */
  readonly listSizes?: Readonly<Record<string, ListSize>>;
  /** How often a field is chosen, by coordinate, beside its siblings. Default 1; 0: never. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly shape?: Partial<OperationShape>;
}

/** Options with every default filled in. */
export type Settings = Required<Omit<OperationOptions, 'shape'>> & { readonly shape: OperationShape };

const standardShape: OperationShape = {
  maxSelections: 5,
  maxOperations: 3,
  field: 10,
  repeat: 1.5,
  typename: 0.7,
  inlineFragment: 1,
  fragmentSpread: 1,
  alias: 0.15,
  directive: 0.04,
  variable: 0.3,
};

export function settingsFrom({ shape, ...options }: OperationOptions): Settings {
  return {
    kind: OperationTypeNode.QUERY,
    maxDepth: 9,
    maxObjects: 150,
    sources: {},
    pages: legalPages({ defaultSize: 20, maxSize: 100, maxOffset: 1000 }),
    listSizes: {},
    weights: {},
    ...options,
    shape: { ...standardShape, ...shape },
  };
}
