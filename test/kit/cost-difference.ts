import { type DocumentNode, type GraphQLSchema, print } from 'graphql';
import type { PriceBatch } from './cost-generate.ts';
import { referencePrice } from './cost-reference.ts';
import type { Price, PriceWork } from './cost-reference-case.ts';
import { smallerDocuments } from './generate/shrink-document.ts';

/**
 * Selections that the enumeration looks at when an engine must still be exact. Engines may look at 5,000, and at each
 * a second time; the enumeration shares nothing. Beyond that a price may be higher, never lower.
 */
const maxExactWork = 2_000;

/** Enough for a small operation; a failing test should not take minutes. */
const maxShrinkTries = 500;

const parts = ['typeCost', 'fieldCost', 'points'] as const satisfies readonly (keyof Price)[];

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

/** Whether a price agrees with the reference model, which looked at so many selections. */
export type Agreement = (got: Price, expected: Price, work: PriceWork) => boolean;

/** The same; where it is too much work for an engine, at least as high. */
export const isExact: Agreement = (got, expected, work) =>
  parts.every((part) => got[part] === expected[part]) ||
  (work.selections > maxExactWork && isNeverLower(got, expected, work));

export const isNeverLower: Agreement = (got, expected) => parts.every((part) => got[part] >= expected[part]);

/** The first case of a batch on which the engine and the reference model do not agree, made smaller; undefined: none. */
export function firstDifference(
  batch: PriceBatch,
  engine: PriceEngine,
  agrees = isExact,
): PriceDifference | undefined {
  const compile = engine(batch.schema, batch.defaultListSize);
  for (const { document, variableSets } of batch.operations) {
    const estimate = compile(document);
    for (const variables of variableSets)
      if (!isRight(batch, document, variables, estimate(variables), agrees))
        return shrink(batch, engine, agrees, document, variables);
  }
  return undefined;
}

/** Takes away from the document whatever can go while the two still differ. */
function shrink(
  batch: PriceBatch,
  engine: PriceEngine,
  agrees: Agreement,
  document: DocumentNode,
  variables: Variables,
): PriceDifference {
  const compile = engine(batch.schema, batch.defaultListSize);
  let tries = maxShrinkTries;
  const stillDiffers = (one: DocumentNode) => {
    tries -= 1;
    return !isRight(batch, one, variables, compile(one)(variables), agrees);
  };
  let smallest = document;
  for (let next: DocumentNode | undefined = document; next; ) {
    smallest = next;
    next = smallerDocuments(batch.schema, smallest, undefined).take(tries).find(stillDiffers);
  }
  const operation = print(smallest);
  const needed = Object.entries(variables ?? {}).filter(([name]) => operation.includes(`$${name}:`));
  return {
    sdl: batch.sdl,
    operation,
    variables: variables && Object.fromEntries(needed),
    defaultListSize: batch.defaultListSize,
    expected: expectedOf(batch, smallest, variables).price,
    got: compile(smallest)(variables),
  };
}

function isRight(
  batch: PriceBatch,
  document: DocumentNode,
  variables: Variables,
  got: Price,
  agrees: Agreement,
): boolean {
  const { price, work } = expectedOf(batch, document, variables);
  return agrees(got, price, work);
}

function expectedOf(batch: PriceBatch, document: DocumentNode, variables: Variables) {
  const { schema, defaultListSize } = batch;
  const work = { selections: 0 };
  return { price: referencePrice({ schema, document, variables, defaultListSize }, undefined, work), work };
}
