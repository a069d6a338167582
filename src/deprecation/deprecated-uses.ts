import { hash } from 'node:crypto';
import {
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputType,
  type OperationDefinitionNode,
  print,
  typeFromAST,
} from 'graphql';
import { deprecationHeaders } from './deprecation-headers.ts';
import {
  definitionsOf,
  elementsBelow,
  elementsOf,
  type Found,
  findGiven,
  findWritten,
  type SchemaElement,
} from './elements.ts';

/** What an operation uses that is deprecated, at least one element. */
export interface DeprecatedUses {
  /** Schema coordinates, each once. */
  readonly fields: readonly string[];
  /** The operation's name; `sha256:` and the first 12 digits of its document's hash for one without. */
  readonly document: string;
  /** What the answer says of it; see {@link deprecationHeaders}. */
  readonly headers: Readonly<Record<string, string>>;
}

/** An operation that is to be looked through; its document must be valid for the schema. */
export interface LookedThrough {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** As they came, not coerced. */
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
}

/** Tells what an operation uses that is deprecated; undefined for nothing. */
export type FindDeprecated = (operation: LookedThrough) => DeprecatedUses | undefined;

/** A variable whose values can give something deprecated. */
interface OpenVariable {
  readonly name: string;
  readonly type: GraphQLInputType;
}

/** What is known of one operation. */
interface KnownOperation {
  readonly written: ReadonlySet<SchemaElement>;
  readonly open: readonly OpenVariable[];
  readonly uses: DeprecatedUses | undefined;
}

/** What is known of one schema. */
interface KnownSchema {
  readonly hasDeprecated: boolean;
  readonly operations: WeakMap<OperationDefinitionNode, KnownOperation>;
}

/**
 * Finds deprecated elements: what a document names is found once for each operation and kept as long as the document is;
 * values of variables are looked at only where their types can give something deprecated. `url` is the page that tells of
 * deprecations, '' for none.
 */
export function createFindDeprecated(url: string): FindDeprecated {
  const schemas = new WeakMap<GraphQLSchema, KnownSchema>();
  return (asked) => {
    const { schema, operation, variables } = asked;
    const { hasDeprecated, operations } = entryOf(schemas, schema, () => knownSchema(schema));
    if (!hasDeprecated) return undefined;
    const found = entryOf(operations, operation, () => lookThrough(asked, url));
    if (found.open.length === 0 || !variables) return found.uses;
    const elements = new Set(found.written);
    for (const { name, type } of found.open) {
      if (Object.hasOwn(variables, name)) findGiven(type, variables[name], keepDeprecated(elements));
    }
    return elements.size === found.written.size ? found.uses : usesOf(elements, asked, url);
  };
}

function entryOf<Key extends object, Value>(map: WeakMap<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function knownSchema(schema: GraphQLSchema): KnownSchema {
  return { hasDeprecated: elementsOf(schema).some(isDeprecated), operations: new WeakMap() };
}

function lookThrough(asked: LookedThrough, url: string): KnownOperation {
  const { schema, document, operation } = asked;
  const written = new Set<SchemaElement>();
  findWritten(schema, definitionsOf(document, operation), keepDeprecated(written));
  const open = (operation.variableDefinitions ?? []).flatMap(({ variable, type: node }): OpenVariable[] => {
    const type = typeFromAST(schema, node);
    if (!isInputType(type) || ![...elementsBelow(type)].some(isDeprecated)) return [];
    return [{ name: variable.name.value, type }];
  });
  return { written, open, uses: usesOf(written, asked, url) };
}

function keepDeprecated(elements: Set<SchemaElement>): Found {
  return (element) => {
    if (isDeprecated(element)) elements.add(element);
  };
}

function isDeprecated({ deprecationReason }: SchemaElement): boolean {
  return typeof deprecationReason === 'string';
}

function usesOf(
  elements: ReadonlySet<SchemaElement>,
  { document, operation }: LookedThrough,
  url: string,
): DeprecatedUses | undefined {
  if (elements.size === 0) return undefined;
  const reasons = [...elements].map(({ deprecationReason }) => deprecationReason ?? '');
  return {
    fields: [...elements].map(String),
    document: operation.name?.value ?? `sha256:${hash('sha256', textOf(document)).slice(0, 12)}`,
    headers: deprecationHeaders(reasons, url),
  };
}

function textOf(document: DocumentNode): string {
  return document.loc?.source.body ?? print(document);
}
