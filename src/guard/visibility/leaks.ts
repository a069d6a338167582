import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isArgument,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { listSizeOf } from '../cost/weights.ts';
import { canGiveHidden } from './hiding.ts';
import { isShown, type VisibleElement } from './shown.ts';

type Field = GraphQLField<unknown, unknown>;

/** A schema as one variant shows it. */
interface Seen {
  readonly schema: GraphQLSchema;
  readonly variant: string;
}

/** By what the types that a variant reaches lead to what it hides, or cannot do without: one line each. */
export function leaks(seen: Seen, reached: ReadonlySet<GraphQLNamedType>): readonly string[] {
  const arguments_ = seen.schema.getDirectives().flatMap(({ args }) => args);
  return [
    ...arguments_.flatMap((argument) => inputLeaks(argument, seen)),
    ...[...reached].flatMap((type) => typeLeaks(type, seen)),
  ];
}

function typeLeaks(type: GraphQLNamedType, seen: Seen): readonly string[] {
  if (isInputObjectType(type))
    return Object.values(type.getFields()).flatMap((field) => inputLeaks(field, seen));
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields())
    .filter((field) => isShown(field, seen.variant))
    .flatMap((field) => fieldLeaks(field, seen));
}

function fieldLeaks(field: Field, seen: Seen): readonly string[] {
  const { slicingArguments = [], sizedFields = [] } = listSizeOf(field, String(field)) ?? {};
  const hidden = field.args.filter((argument) => !isShown(argument, seen.variant));
  const slicing = hidden.filter(({ name }) => slicingArguments.includes(name));
  return [
    ...hiddenTypeOf(field, seen),
    ...(mayFail(field, seen)
      ? [`${field} can give what is hidden, and may not be null: let it be null, or hide it`]
      : []),
    ...slicing.map(
      (argument) => `${argument} is hidden, and says how long the list is: show it, or hide the field`,
    ),
    ...hiddenSizedFields(field, sizedFields, seen),
    ...field.args.flatMap((argument) => inputLeaks(argument, seen)),
  ];
}

function mayFail({ type }: Field, { schema, variant }: Seen): boolean {
  const isList = isListType(isNonNullType(type) ? type.ofType : type);
  return isNonNullType(type) && !isList && canGiveHidden(type, schema, variant);
}

function hiddenSizedFields({ type }: Field, names: readonly string[], { variant }: Seen): readonly string[] {
  const named = getNamedType(type);
  const members = isObjectType(named) || isInterfaceType(named) ? named.getFields() : {};
  return names.flatMap((name) => {
    const member = members[name];
    return member && !isShown(member, variant)
      ? [`${member} is hidden, and has the rows of a list that is shown`]
      : [];
  });
}

function inputLeaks(input: GraphQLArgument | GraphQLInputField, seen: Seen): readonly string[] {
  if (isShown(input, seen.variant)) return [...hiddenTypeOf(input, seen), ...defaultLeaks(input, seen)];
  const { required, advice } = isArgument(input)
    ? { required: isRequiredArgument(input), advice: ', or hide its field' }
    : { required: isRequiredInputField(input), advice: '' };
  if (required) return [`${input} is hidden, and must be given: let it be left out${advice}`];
  // Of an argument, the view's resolver still finds it.
  return !isArgument(input) && hasDefault(input)
    ? [`${input} is hidden, and its default with it: let its resolver assume the default`]
    : [];
}

function hiddenTypeOf(
  element: VisibleElement & { readonly type: GraphQLField<unknown, unknown>['type'] | GraphQLInputType },
  { variant }: Seen,
): readonly string[] {
  const named = getNamedType(element.type);
  return isShown(named, variant) ? [] : [`${element} is shown, and its type ${named} is hidden`];
}

function hasDefault({ default: given, defaultValue }: GraphQLArgument | GraphQLInputField): boolean {
  return given !== undefined || defaultValue !== undefined;
}

function defaultLeaks(input: GraphQLArgument | GraphQLInputField, seen: Seen): readonly string[] {
  const { default: given, defaultValue = given?.value } = input;
  return tellsHidden(defaultValue, input.type, seen) ? [`${input} is shown, and its default is hidden`] : [];
}

/** As code-first schemas have defaults: as values, not as literals. */
function tellsHidden(value: unknown, type: GraphQLInputType, seen: Seen): boolean {
  if (value === undefined || value === null) return false;
  if (isNonNullType(type)) return tellsHidden(value, type.ofType, seen);
  if (isListType(type)) return [value].flat().some((item) => tellsHidden(item, type.ofType, seen));
  if (isEnumType(type))
    return type.getValues().some((known) => known.value === value && !isShown(known, seen.variant));
  if (!isInputObjectType(type) || typeof value !== 'object') return false;
  const members = new Map<string, unknown>(Object.entries(value));
  return Object.values(type.getFields()).some((field) => {
    if (!members.has(field.name)) return false;
    return !isShown(field, seen.variant) || tellsHidden(members.get(field.name), field.type, seen);
  });
}
