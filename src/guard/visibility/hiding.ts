import {
  defaultFieldResolver,
  defaultTypeResolver,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  Kind,
} from 'graphql';
import { isShown } from './shown.ts';

type Resolve = GraphQLFieldResolver<unknown, unknown>;
type IsHidden = (value: unknown, context: unknown, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

/**
 * The resolver of a field as a variant has it: hidden arguments have their defaults; a row whose type is hidden, and a
 * hidden value of an enum, are null, and left out of lists whose items may not be null. The field's own one where nothing of
 * that can happen.
 */
export function hidingResolver(
  field: GraphQLField<unknown, unknown>,
  schema: GraphQLSchema,
  variant: string,
): Resolve | undefined {
  const given = withDefaults(field.resolve, field, variant);
  const isHidden = hiddenValues(field.type, schema, variant);
  if (!isHidden) return given;
  const resolve = given ?? defaultFieldResolver;
  return (source, args, context, info) =>
    hide(resolve(source, args, context, info), field.type, (value) => isHidden(value, context, info));
}

/** A resolver, or what opens a subscription, that finds the defaults of arguments which its client knows nothing of. */
export function withDefaults<Found extends Resolve>(
  resolve: Found | undefined,
  field: GraphQLField<unknown, unknown>,
  variant: string,
): Resolve | undefined {
  const others = field.args.filter((argument) => !isShown(argument, variant));
  if (!resolve || others.length === 0) return resolve;
  // as: of a field, only its arguments are looked at
  const definition = { args: others } as unknown as GraphQLField<unknown, unknown>;
  const node = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: field.name } } as const;
  const defaults = getArgumentValues(definition, node);
  return (source, args, context, info) => resolve(source, { ...defaults, ...args }, context, info);
}

/** Whether a field can give what a variant hides. */
export function canGiveHidden(type: GraphQLOutputType, schema: GraphQLSchema, variant: string): boolean {
  return hiddenValues(type, schema, variant) !== undefined;
}

function hiddenValues(type: GraphQLOutputType, schema: GraphQLSchema, variant: string): IsHidden | undefined {
  const named = getNamedType(type);
  if (isEnumType(named)) {
    const others = named.getValues().filter((value) => !isShown(value, variant));
    const values = new Set(others.map(({ value }) => value));
    return values.size > 0 ? (value) => values.has(value) : undefined;
  }
  if (!isAbstractType(named)) return undefined;
  const others = schema.getPossibleTypes(named).filter((possible) => !isShown(possible, variant));
  const names = new Set(others.map(({ name }) => name));
  return names.size > 0
    ? (value, context, info) => isOf(names, named, { value, context, info, schema })
    : undefined;
}

interface Row {
  readonly value: unknown;
  readonly context: unknown;
  readonly info: GraphQLResolveInfo;
  /** With all of its types: one that is hidden is known only there. */
  readonly schema: GraphQLSchema;
}

function isOf(
  names: ReadonlySet<string>,
  type: GraphQLAbstractType,
  { value, context, info, schema }: Row,
): boolean | Promise<boolean> {
  const resolveType = type.resolveType ?? defaultTypeResolver;
  const whole: GraphQLResolveInfo = Object.create(info, { schema: { value: schema } });
  const found = resolveType(value, context, whole, type);
  return isPromise(found) ? found.then((name) => names.has(String(name))) : names.has(String(found));
}

type Hides = (value: unknown) => boolean | Promise<boolean>;

/** Stands for what is hidden until it is known whether null may stand there. */
const hidden = Symbol('hidden');

function hide(value: unknown, type: GraphQLOutputType, isHidden: Hides): unknown {
  const marked = mark(value, type, isHidden);
  return isPromise(marked) ? marked.then(nullIfHidden) : nullIfHidden(marked);
}

function nullIfHidden(value: unknown): unknown {
  return value === hidden ? null : value;
}

/** The value with {@link hidden} in place of what is. */
function mark(value: unknown, type: GraphQLOutputType, isHidden: Hides): unknown {
  if (value === null || value === undefined || value instanceof Error) return value;
  if (isPromise(value)) return value.then((settled) => mark(settled, type, isHidden));
  if (isNonNullType(type)) return mark(value, type.ofType, isHidden);
  if (isListType(type)) return markItems(value, type.ofType, isHidden);
  const verdict = isHidden(value);
  if (isPromise(verdict)) return verdict.then((found) => (found ? hidden : value));
  return verdict ? hidden : value;
}

function markItems(list: unknown, type: GraphQLOutputType, isHidden: Hides): unknown {
  if (isAsyncIterable(list)) return Array.fromAsync(list).then((items) => markItems(items, type, isHidden));
  // What is no list fails as it does without us.
  if (!isIterable(list)) return list;
  if (!isNonNullType(type)) return [...list].map((item) => hide(item, type, isHidden));
  const items = [...list].map((item) => mark(item, type, isHidden));
  return items.some(isPromise) ? Promise.all(items).then(withoutHidden) : withoutHidden(items);
}

function withoutHidden(items: readonly unknown[]): readonly unknown[] {
  return items.filter((item) => item !== hidden);
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
