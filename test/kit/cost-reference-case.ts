import type { DocumentNode, GraphQLSchema } from 'graphql';

/** What is asked: one operation, and what is known of its variables. */
export interface PriceQuestion {
  readonly schema: GraphQLSchema;
  /** Valid for the schema. */
  readonly document: DocumentNode;
  readonly operationName?: string | null;
  /** As JSON, before coercion; null: nothing is known of them, so the worst case is asked for. */
  readonly variables: Readonly<Record<string, unknown>> | null;
  /** Items of a list that nothing sizes; may be Infinity. */
  readonly defaultListSize: number;
}

export interface Price {
  readonly typeCost: number;
  readonly fieldCost: number;
  readonly points: number;
}

/** The rules that tests break on purpose, to see that the comparison notices. */
export interface PriceRules {
  /** One item whose object type is not known, from its price as each of the possible types. */
  readonly oneOfTypes: (prices: readonly Price[]) => Price;
  /** The number of items that a slicing argument stands for. */
  readonly sliceSize: (slice: number) => number;
  /** What a null stands for: itself, or an absent value. */
  readonly given: (value: null) => null | undefined;
}

/** Counts what the enumeration looks at. */
export interface PriceWork {
  /** Each as often as it is looked at: for every object type at its position, in every case. */
  selections: number;
}

/** One case of an operation: its Boolean variables are decided. */
export interface PriceCase {
  readonly question: PriceQuestion;
  readonly rules: PriceRules;
  /** Coerced; null when nothing is known. */
  readonly variables: GivenVariables | null;
  readonly booleans: ReadonlyMap<string, boolean>;
  readonly work: PriceWork;
}

/** Stands for the value of a variable of which nothing is known. */
export const unknown: unique symbol = Symbol('unknown');

/** A value as far as it is known; undefined: absent, so that a default counts. Null is a value. */
export type Given =
  | undefined
  | null
  | string
  | number
  | boolean
  | typeof unknown
  | readonly Given[]
  | { readonly [name: string]: Given };

export type GivenVariables = Readonly<Record<string, Given>>;
