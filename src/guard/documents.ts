import { hash } from 'node:crypto';
import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  parse,
  type ValidationRule,
  validate,
} from 'graphql';
import { createDocumentCache } from './documents/cache.ts';
import { compactDocument } from './documents/compact.ts';
import { capErrors } from './documents/error-cap.ts';
import type { ShapeLimits } from './shape/limits.ts';
import { graphqlError, shapeError } from './shape/refusal.ts';
import { excessOfSelections } from './shape/shape-guard.ts';
import { excessOfText } from './shape/token-guard.ts';

/** Bounds of {@link createDocuments}. */
export interface DocumentLimits extends ShapeLimits {
  /** Most errors of one answer. */
  readonly maxErrors: number;
  /** Most documents that are kept. */
  readonly maxDocuments: number;
  /** About what they may take, in bytes of memory. */
  readonly documentsMaxBytes: number;
}

/** Documents from their text to their validity, each worked out once while it is kept. */
export interface Documents {
  /** Throws the GraphQLError of a syntax error, or of the bound that a document goes beyond, before it is parsed if it can. */
  readonly parse: (source: string) => DocumentNode;
  /** No errors, or at most `maxErrors` and one that there were more. */
  readonly validate: (
    schema: GraphQLSchema,
    document: DocumentNode,
    rules?: readonly ValidationRule[],
  ) => readonly GraphQLError[];
  /** A document that its owner keeps, valid from now on; throws as `parse`, or an AggregateError of what is not valid. */
  readonly prepare: (schema: GraphQLSchema, source: string) => PreparedDocument;
}

/** A document that was parsed and validated. */
export interface PreparedDocument {
  readonly document: DocumentNode;
  /** About what it takes, in bytes of memory. */
  readonly bytes: number;
}

/** How much refusals tell. */
export interface TellOptions {
  /** Whether they name nothing of the schema that a document might have meant. Default false. */
  readonly hideSuggestions?: boolean;
}

/** By which rules of which schema a document is valid. */
interface Validity {
  readonly schema: GraphQLSchema;
  readonly rules: readonly ValidationRule[] | undefined;
}

/** V8 hashes longer strings by their length alone, so that texts of one length would all meet in one place of a Map. */
const longestKey = 4096;

/** About what graphql-js takes for one token and its part of the tree, in bytes: measured. */
const bytesPerToken = 400;

/**
 * A bounded cache of documents that passed everything. Those that did not are not kept: each costs little by the bounds on
 * its shape, an attacker never sends one twice, and so he cannot push out what others use; see {@link createDocumentCache}
 * for valid documents that nobody sends twice.
 */
export function createDocuments(
  limits: DocumentLimits,
  { hideSuggestions = false }: TellOptions = {},
): Documents {
  const cache = createDocumentCache<DocumentNode>({
    maxEntries: limits.maxDocuments,
    maxBytes: limits.documentsMaxBytes,
  });
  const options = { maxErrors: limits.maxErrors, hideSuggestions };
  const valid = new WeakMap<DocumentNode, Validity>();
  return {
    parse: (source) => cache.get(keyOf(source)) ?? parseWithin(source, limits),
    validate: (schema, document, rules) => {
      const known = valid.get(document);
      if (known && known.schema === schema && areSame(known.rules, rules)) return [];
      const errors = validate(schema, compactDocument(document), rules, options);
      if (errors.length > 0) return capErrors(errors, limits.maxErrors);
      valid.set(document, { schema, rules });
      const source = document.loc?.source.body;
      if (source !== undefined) cache.set(keyOf(source), document, weightOf(document, source));
      return [];
    },
    prepare: (schema, source) => {
      const document = parseWithin(source, limits);
      const errors = validate(schema, compactDocument(document), undefined, options);
      if (errors.length > 0) throw new AggregateError(errors);
      valid.set(document, { schema, rules: undefined });
      return { document, bytes: weightOf(document, source) };
    },
  };
}

function parseWithin(source: string, limits: DocumentLimits): DocumentNode {
  const excess = excessOfText(source, limits);
  if (excess) throw graphqlError(shapeError(excess, limits[excess]));
  const document = parse(source);
  const excessOfTree = excessOfSelections(document, limits);
  if (excessOfTree) throw graphqlError(shapeError(excessOfTree, limits[excessOfTree]));
  return document;
}

/** A text as the key of a map. */
export function keyOf(source: string): string {
  return source.length <= longestKey ? source : hash('sha256', source, 'base64url');
}

function weightOf({ tokenCount = 0 }: DocumentNode, source: string): number {
  return tokenCount * bytesPerToken + source.length * 2;
}

function areSame(
  known: readonly ValidationRule[] | undefined,
  rules: readonly ValidationRule[] | undefined,
): boolean {
  if (known === rules) return true;
  return known?.length === rules?.length && known?.every((rule, index) => rule === rules?.[index]) === true;
}
