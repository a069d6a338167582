import {
  buildSchema,
  GraphQLError,
  Kind,
  NoUnusedVariablesRule,
  ScalarLeafsRule,
  specifiedRules,
  type ValidationRule,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { createDocuments } from '../../src/guard/documents.ts';
import { defaultDocumentLimits } from './shape/default-limits.ts';

const schema = buildSchema('type Query { a: A } type A { a: A, id: ID }');
const otherSchema = buildSchema('type Query { a: A } type A { a: A, id: ID }');

/** Counts how often it is asked about a document. */
function countingRule() {
  const counter = { runs: 0, rule: undefined as unknown as ValidationRule };
  counter.rule = () => {
    counter.runs += 1;
    return {};
  };
  return counter;
}

function documentsOf(limits: Partial<typeof defaultDocumentLimits> = {}) {
  const documents = createDocuments({ ...defaultDocumentLimits, ...limits });
  const pass = (source: string, rules: readonly ValidationRule[] = specifiedRules) => {
    const document = documents.parse(source);
    return { document, errors: documents.validate(schema, document, rules) };
  };
  /** Whether a text is parsed and validated no more. */
  const isKept = (source: string) => {
    const document = documents.parse(source);
    return documents.parse(source) === document;
  };
  return { ...documents, pass, isKept };
}

describe('createDocuments()', () => {
  it.each(['{a{id}}', `{a{id}}${' '.repeat(5000)}`])(
    'parses and validates a valid document once',
    (source) => {
      const documents = documentsOf();
      const counter = countingRule();
      const first = documents.pass(source, [counter.rule]);
      const second = documents.pass(source.slice(0, 3) + source.slice(3), [counter.rule]);
      expect(second.document).toBe(first.document);
      expect(counter.runs).toBe(1);
    },
  );

  it('tells long documents apart that begin and end alike', () => {
    const documents = documentsOf();
    const text = (name: string) => `{a{${name}:id #${'x'.repeat(5000)}\n}}`;
    documents.pass(text('b'));
    const { document } = documents.pass(text('c'));
    expect(document.definitions[0]).toMatchObject({
      selectionSet: { selections: [{ selectionSet: { selections: [{ alias: { value: 'c' } }] } }] },
    });
  });

  it('validates again for another schema and for other rules', () => {
    const documents = documentsOf();
    const counter = countingRule();
    const { document } = documents.pass('{a{id}}', [counter.rule]);
    documents.validate(otherSchema, document, [counter.rule]);
    documents.validate(otherSchema, document, [counter.rule, ScalarLeafsRule]);
    documents.validate(otherSchema, document, [counter.rule, NoUnusedVariablesRule]);
    documents.validate(otherSchema, document, [counter.rule, NoUnusedVariablesRule]);
    expect(counter.runs).toBe(4);
  });

  it('keeps no document that is refused', () => {
    const documents = documentsOf();
    for (const refused of ['{', '{b}', `{a{${'a{'.repeat(20)}`]) {
      const errors = [1, 2].map(() => {
        try {
          return documents.pass(refused).errors[0];
        } catch (error) {
          return error;
        }
      });
      expect(errors).toEqual([expect.any(GraphQLError), expect.any(GraphQLError)]);
    }
    documents.pass('{b}');
    expect(documents.isKept('{b}')).toBe(false);
  });

  it('keeps what is in use through 5,000 bad documents and 5,000 valid ones that come once', () => {
    const documents = documentsOf({ maxDocuments: 100 });
    const used = Array.from({ length: 70 }, (_, at) => `query used${at}{a{id}}`);
    for (const source of [...used, ...used]) documents.pass(source);
    for (let at = 0; at < 5000; at += 1) {
      documents.pass(`{bad${at}}`);
      documents.pass(`query valid${at}{a{id}}`);
    }
    expect(used.filter((source) => !documents.isKept(source))).toEqual([]);
    expect(documents.isKept('query valid0{a{id}}')).toBe(false);
  });

  it('is bounded by what the documents take in memory', () => {
    const documents = documentsOf({ documentsMaxBytes: 1_048_576 });
    const sources = Array.from({ length: 100 }, (_, at) => `{a{${'id '.repeat(400)}}}#${at}`);
    for (const source of sources) documents.pass(source);
    const kept = sources.filter(documents.isKept);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(10);
  });

  it('throws the bound that a document goes beyond, before it is parsed', () => {
    const { parse } = documentsOf({ maxTokens: 100, maxDepth: 3 });
    expect(() => parse('}'.repeat(101))).toThrow(
      expect.objectContaining({
        message:
          'Expected at most 100 tokens, and no more lines, in a document, got more. The option is limits.maxTokens.',
        extensions: { code: 'TOKEN_LIMIT', maximum: 100 },
      }),
    );
    expect(() => parse('{a{...b}} fragment b on B{a{a{a}}}')).toThrow(
      expect.objectContaining({ extensions: { code: 'DEPTH_LIMIT', maximum: 3 } }),
    );
    expect(() => parse('{')).toThrow('Syntax Error: Expected Name, found <EOF>.');
  });

  it.each([
    [2, 2, []],
    [3, 3, []],
    [4, 4, ['TOO_MANY_ERRORS']],
    [400, 4, ['TOO_MANY_ERRORS']],
  ])('tells of %i faults of a document in %i errors', (faults, count, codes) => {
    const names = Array.from({ length: faults }, (_, at) => `f${at}`);
    const { errors } = documentsOf({ maxErrors: 3 }).pass(`{a{${names.join(' ')}}}`);
    expect(errors).toHaveLength(count);
    expect(errors.flatMap(({ extensions }) => extensions['code'] ?? [])).toEqual(codes);
  });

  it('gives the whole document, repeated fields and all', () => {
    const { document, errors } = documentsOf().pass(`{${'a{id} '.repeat(200)}}`);
    expect(errors).toEqual([]);
    const [operation] = document.definitions;
    expect(operation?.kind === Kind.OPERATION_DEFINITION && operation.selectionSet.selections).toHaveLength(
      200,
    );
  });
});
