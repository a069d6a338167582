import { type Change, diff, type SerializableChange } from '@graphql-inspector/core';
import {
  buildSchema,
  GraphQLSchema,
  isRequiredArgument,
  isRequiredInputField,
  printSchema,
  resolveSchemaCoordinate,
} from 'graphql';

/** What a change does to clients: `breaking` stops some, `dangerous` may surprise some, `safe` is noticed by none. */
export type ChangeLevel = 'breaking' | 'dangerous' | 'safe';

/** One difference between two schemas. */
export interface SchemaChange {
  readonly level: ChangeLevel;
  /** Schema coordinate of what changed, such as `Type.field(argument:)`; '' for the schema itself. */
  readonly path: string;
  readonly message: string;
  /** Coordinates in the schema before: a document that uses all of them notices the change; none: its validity tells. */
  readonly affects: readonly string[];
  /** Whether the element at `path` was taken away from a type that is still there. */
  readonly isRemoval: boolean;
}

/** One of the kinds that graphql-inspector tells apart. */
type Inspected = SerializableChange & Pick<Change, 'message' | 'path' | 'criticality'>;

/** The words of graphql-inspector, the worst first. */
const levels: ReadonlyMap<string, ChangeLevel> = new Map([
  ['BREAKING', 'breaking'],
  ['DANGEROUS', 'dangerous'],
  ['NON_BREAKING', 'safe'],
]);
const ranks = [...levels.values()];

/** Directives that say what things cost: `weir cost diff` compares that. */
const priceDirectives: ReadonlySet<string> = new Set(['cost', 'listSize', 'listBound']);

const removals: ReadonlySet<string> = new Set<SerializableChange['type']>([
  'FIELD_REMOVED',
  'FIELD_ARGUMENT_REMOVED',
  'INPUT_FIELD_REMOVED',
  'ENUM_VALUE_REMOVED',
]);

/**
 * What changed from one schema to another, the worst first and then by path, as graphql-inspector classifies it; prices aside. What stands in a
 * new type is told by that type alone. (Its own rule for this, simplifyChanges, hides fields that were removed from a type
 * which has been given a description or an interface at once.)
 */
export async function schemaChanges(
  before: GraphQLSchema,
  after: GraphQLSchema,
): Promise<readonly SchemaChange[]> {
  const changes = await diff(comparable(before), comparable(after));
  const added = new Set(changes.flatMap(({ type, path }) => (type === 'TYPE_ADDED' ? path : [])));
  return changes
    .filter((change) => !isRepetition(change, added))
    .map((change) => changeFrom(change as Inspected, after)) // as: its own types say less than it tells
    .sort(compareChanges);
}

function compareChanges(one: SchemaChange, other: SchemaChange): number {
  const byLevel = ranks.indexOf(one.level) - ranks.indexOf(other.level);
  return byLevel === 0 ? one.path.localeCompare(other.path, 'en') : byLevel;
}

/** Through their texts: a schema that is built by code has its directives nowhere else. */
function comparable(schema: GraphQLSchema): GraphQLSchema {
  const directives = schema.getDirectives().filter(({ name }) => !priceDirectives.has(name));
  return buildSchema(printSchema(new GraphQLSchema({ ...schema.toConfig(), directives })));
}

function isRepetition({ type, path = '' }: Change, added: ReadonlySet<string | undefined>): boolean {
  const [owner] = path.split('.');
  if (type !== 'TYPE_ADDED' && added.has(owner)) return true;
  // Deprecations of fields and of values are told by changes of their own, and the directive's arguments are the reason.
  const isRetold = /^DIRECTIVE_USAGE_(?:ARGUMENT|FIELD_DEFINITION|ENUM_VALUE)_(?:ADDED|REMOVED)$/.test(type);
  return path.includes('.@deprecated') && isRetold;
}

function changeFrom(change: Inspected, after: GraphQLSchema): SchemaChange {
  const { type, message, criticality } = change;
  const path = coordinateOf(change);
  const isForced = type.includes('_DEFAULT_') && mustBeGiven(path, after);
  return {
    level: isForced ? 'breaking' : (levels.get(criticality.level) ?? 'breaking'),
    path,
    message,
    affects: affectedBy(change, path),
    isRemoval: removals.has(type),
  };
}

/** Of `Type.field.argument` and of `@directive.argument`; a directive in the schema is part of what it stands on. */
function coordinateOf({ path = '' }: Inspected): string {
  const parts = path.replace(/\.@.*$/, '').split('.');
  const isArgument = parts.length === (path.startsWith('@') ? 2 : 3);
  return isArgument ? `${parts.slice(0, -1).join('.')}(${parts.at(-1)}:)` : parts.join('.');
}

/** Whether a default has gone without which clients have to give something; graphql-inspector takes that for dangerous alone. */
function mustBeGiven(coordinate: string, after: GraphQLSchema): boolean {
  const found = resolveSchemaCoordinate(after, coordinate);
  if (found?.kind === 'FieldArgument') return isRequiredArgument(found.fieldArgument);
  if (found?.kind === 'DirectiveArgument') return isRequiredArgument(found.directiveArgument);
  return found?.kind === 'InputField' && isRequiredInputField(found.inputField);
}

/** Most changes are noticed by who uses what they are about. */
function affectedBy(change: Inspected, path: string): readonly string[] {
  switch (change.type) {
    case 'FIELD_ARGUMENT_ADDED':
    case 'INPUT_FIELD_ADDED':
    case 'INPUT_FIELD_DEFAULT_VALUE_CHANGED':
      return [path.slice(0, Math.max(path.lastIndexOf('('), path.lastIndexOf('.')))];
    // Who gives it notices nothing, and of who does not the document is invalid.
    case 'FIELD_ARGUMENT_DEFAULT_CHANGED':
      return [];
    case 'UNION_MEMBER_REMOVED':
      return [change.meta.unionName, change.meta.removedUnionMemberTypeName];
    case 'OBJECT_TYPE_INTERFACE_REMOVED':
      return [change.meta.objectTypeName, change.meta.removedInterfaceName];
    case 'SCHEMA_QUERY_TYPE_CHANGED':
      return [change.meta.oldQueryTypeName ?? ''];
    case 'SCHEMA_MUTATION_TYPE_CHANGED':
      return [change.meta.oldMutationTypeName ?? ''];
    case 'SCHEMA_SUBSCRIPTION_TYPE_CHANGED':
      return [change.meta.oldSubscriptionTypeName ?? ''];
    default:
      return [path];
  }
}
