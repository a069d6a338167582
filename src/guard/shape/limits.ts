import type { ErrorCode } from '../../errors.ts';

/** One bound on the shape of an operation; a number equal to it passes. */
export interface ShapeLimit {
  readonly default: number;
  /** Least and most that it may be set to: recursion that it bounds is safe on Node's stack up to `max`. */
  readonly min: number;
  readonly max: number;
  readonly code: ErrorCode;
  /** What is counted, as it follows "at most 30 ". */
  readonly unit: string;
  /** For people: a sentence without its default and bounds. */
  readonly description: string;
}

/**
 * Every bound that holds before an operation is priced. Those of a document count what stands in its text, but for depth,
 * aliases and root fields, which count through fragments: each place that spreads a fragment counts what is in it.
 */
export const shapeLimits = {
  documentMaxLength: {
    default: 131_072,
    min: 256,
    max: 67_108_864,
    code: 'TOKEN_LIMIT',
    unit: 'characters in a document',
    description: 'Longest document, in characters; graphql-js reads each escape of a string on its own',
  },
  maxTokens: {
    default: 2000,
    min: 10,
    max: 20_000,
    code: 'TOKEN_LIMIT',
    unit: 'tokens, and no more lines, in a document',
    description: 'Tokens of a document; a comment is one, and there are no more lines than tokens may be',
  },
  nameMaxLength: {
    default: 256,
    min: 16,
    max: 4096,
    code: 'TOKEN_LIMIT',
    unit: 'characters in a name',
    description: 'Longest name in a document, in characters: errors repeat names',
  },
  maxDepth: {
    default: 15,
    min: 1,
    max: 50,
    code: 'DEPTH_LIMIT',
    unit: 'levels of fields',
    description:
      'Fields within each other, through fragments; braces and spreads within each other: four times it',
  },
  maxLiteralDepth: {
    default: 10,
    min: 1,
    max: 50,
    code: 'LITERAL_DEPTH',
    unit: 'levels of lists and objects in a literal',
    description: 'Lists and objects within each other in a literal of a document, and lists in a type',
  },
  maxAliases: {
    default: 30,
    min: 0,
    max: 10_000,
    code: 'ALIAS_LIMIT',
    unit: 'aliases in a document, through fragments',
    description: 'Aliases of a document, through fragments',
  },
  maxRootFields: {
    default: 20,
    min: 1,
    max: 1000,
    code: 'ROOT_FIELD_LIMIT',
    unit: 'root fields of an operation',
    description: 'Root fields of an operation by their names in the answer, through fragments',
  },
  maxRootMutations: {
    default: 5,
    min: 1,
    max: 1000,
    code: 'ROOT_FIELD_LIMIT',
    unit: 'root fields of a mutation',
    description: 'Root fields of a mutation, likewise: they run one after another',
  },
  maxDirectives: {
    default: 20,
    min: 0,
    max: 1000,
    code: 'DIRECTIVE_LIMIT',
    unit: 'directives in a document',
    description: 'Directives of a document',
  },
  maxFragments: {
    default: 50,
    min: 0,
    max: 1000,
    code: 'FRAGMENT_LIMIT',
    unit: 'fragments in a document',
    description: 'Named fragments of a document',
  },
  maxVariables: {
    default: 100,
    min: 0,
    max: 1000,
    code: 'VARIABLE_LIMIT',
    unit: 'variables in a document',
    description: 'Variables that a document declares',
  },
  maxListLength: {
    default: 500,
    min: 1,
    max: 10_000,
    code: 'LIST_ARG_LIMIT',
    unit: 'values in an input list',
    description: 'Values of one input list: in a literal, a default or a variable, however deep it stands',
  },
  variablesMaxBytes: {
    default: 262_144,
    min: 256,
    max: 67_108_864,
    code: 'VARIABLE_LIMIT',
    unit: 'bytes of variables',
    description: 'All variables of an operation as JSON without white space, in bytes of UTF-8',
  },
  jsonMaxDepth: {
    default: 32,
    min: 2,
    max: 200,
    code: 'VARIABLE_LIMIT',
    unit: 'levels of arrays and objects in a request',
    description: 'Arrays and objects within each other in a request; its variables are the second level',
  },
  jsonMaxMembers: {
    default: 10_000,
    min: 100,
    max: 10_000_000,
    code: 'VARIABLE_LIMIT',
    unit: 'arrays, objects and members of objects in a request',
    description: 'Arrays, objects and members of objects in a request',
  },
} as const satisfies Readonly<Record<string, ShapeLimit>>;

/** The name of a bound, which is that of its option in `limits`. */
export type ShapeLimitName = keyof typeof shapeLimits;

/** A number for each bound. */
export type ShapeLimits = Readonly<Record<ShapeLimitName, number>>;
