import { type DocumentNode, type GraphQLSchema, print } from 'graphql';
import type { PriceBatch } from './cost-generate.ts';
import { type Price, referencePrice } from './cost-reference.ts';
import { smallerDocuments } from './generate/shrink-document.ts';

type Variables = Readonly<Record<string, unknown>> | null;

/** What is to be compared with the reference model, in the steps in which it may keep what it has found out. */
export type PriceEngine = (
  schema: GraphQLSchema,
  defaultListSize: number,
) => (document: DocumentNode) => (variables: Variables) => Price;

/** A case on which an engine and the reference model differ, the smallest that was found. */
export interface PriceDifference {
  readonly sdl: string;
  readonly operation: string;
  readonly variables: Variables;
  readonly defaultListSize: number;
  readonly expected: Price;
  readonly got: Price;
}

/** The number of prices that a batch asks for. */
export function casesOf({ operations }: PriceBatch): number {
  return operations.reduce((total, { variableSets }) => total + variableSets.length, 0);
}

/** The first case of a batch on which the engine differs from the reference model, made smaller; undefined: none. */
export function firstDifference(batch: PriceBatch, engine: PriceEngine): PriceDifference | undefined {
  const compile = engine(batch.schema, batch.defaultListSize);
  for (const { document, variableSets } of batch.operations) {
    const estimate = compile(document);
    for (const variables of variableSets)
      if (!areSame(estimate(variables), expectedOf(batch, document, variables)))
        return shrink(batch, engine, document, variables);
  }
  return undefined;
}

/** Takes away from the document whatever can go while the two still differ. */
function shrink(
  batch: PriceBatch,
  engine: PriceEngine,
  document: DocumentNode,
  variables: Variables,
): PriceDifference {
  const compile = engine(batch.schema, batch.defaultListSize);
  let smallest = document;
  const differs = (one: DocumentNode) => !areSame(compile(one)(variables), expectedOf(batch, one, variables));
  for (let next: DocumentNode | undefined = document; next; ) {
    smallest = next;
    next = smallerDocuments(batch.schema, smallest, undefined).find(differs);
  }
  return {
    sdl: batch.sdl,
    operation: print(smallest),
    variables,
    defaultListSize: batch.defaultListSize,
    expected: expectedOf(batch, smallest, variables),
    got: compile(smallest)(variables),
  };
}

function expectedOf(batch: PriceBatch, document: DocumentNode, variables: Variables): Price {
  const { schema, defaultListSize } = batch;
  return referencePrice({ schema, document, variables, defaultListSize });
}

function areSame(left: Price, right: Price): boolean {
  return (
    left.typeCost === right.typeCost && left.fieldCost === right.fieldCost && left.points === right.points
  );
}
