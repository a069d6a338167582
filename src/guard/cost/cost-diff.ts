import { type DocumentNode, Kind, type OperationDefinitionNode } from 'graphql';
import type { CostModel } from './cost-model.ts';
import { compilePrice, type Price } from './price-plan.ts';

/** A document whose price is compared, with the name under which people know it. */
export interface NamedDocument {
  readonly name: string;
  readonly document: DocumentNode;
}

/** One operation of a document under two models; both prices are the worst case, in points. */
export interface CostDifference {
  readonly document: string;
  /** Undefined for an operation without a name. */
  readonly operation: string | undefined;
  /** Undefined where the model's schema cannot price it. */
  readonly before: number | undefined;
  readonly after: number | undefined;
  /** `after` as a multiple of `before`: 1 for the same, above 1 for dearer; undefined when one is missing. */
  readonly factor: number | undefined;
}

/**
 * What documents cost under two models, one row for each operation, in the order of the documents; priced without
 * variables.
 */
export function costDifferences(
  before: CostModel,
  after: CostModel,
  documents: readonly NamedDocument[],
): readonly CostDifference[] {
  return documents.flatMap(({ name, document }) =>
    operationsOf(document).map((operation) => {
      const was = pointsOf(before, document, operation);
      const is = pointsOf(after, document, operation);
      return { document: name, operation, before: was, after: is, factor: factorOf(was, is) };
    }),
  );
}

function operationsOf({ definitions }: DocumentNode): readonly (string | undefined)[] {
  return definitions
    .filter(
      (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
    )
    .map(({ name }) => name?.value);
}

function pointsOf(
  model: CostModel,
  document: DocumentNode,
  operation: string | undefined,
): Price['points'] | undefined {
  try {
    return compilePrice(model, document, operation).estimate(null).points;
  } catch (thrown) {
    // The document was made for the other schema: that is what the comparison is to show.
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

function factorOf(before: number | undefined, after: number | undefined): number | undefined {
  if (before === undefined || after === undefined) return undefined;
  // Infinity is as dear as Infinity.
  return before === after ? 1 : after / before;
}
