import {
  type ArgumentNode,
  type FieldNode,
  type GraphQLField,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isUnionType,
  Kind,
  print,
  type SelectionSetNode,
} from 'graphql';
import { type Draft, freshName, hasRoomFor, type Site } from './draft.ts';
import { drawInput } from './input-values.ts';
import { addUse, type FieldUse, fits } from './merge-scope.ts';
import { nameNode } from './name-node.ts';
import type { PageDraw } from './page-source.ts';

const defaultListSize = 3;
const sharedAliases = ['a', 'b', 'c'];

type AnyField = GraphQLField<unknown, unknown>;

/** Makes the selection set of what a field gives. */
export type Select = (site: Site) => SelectionSetNode;

/** A field of the site's type, or undefined when none of them has room. */
export function drawField(draft: Draft, site: Site, select: Select): FieldNode | undefined {
  const { draw, settings } = draft;
  const candidates = fieldsOf(site).flatMap((field): [AnyField, number][] => {
    const isTooDeep = site.depth >= settings.maxDepth || !hasRoomFor(draft, site.objects);
    if (isTooDeep && isCompositeType(getNamedType(field.type))) return [];
    const weight = settings.weights[coordinateOf(site, field)] ?? 1;
    return weight > 0 ? [[field, weight]] : [];
  });
  if (candidates.length === 0) return undefined;
  const use = drawUse(draft, site, draw.pickWeighted(candidates));
  if (!hasRoomFor(draft, costOf(site, use))) return undefined;
  draft.objects += costOf(site, use);
  return fieldNode(site, use, responseName(draft, site, use), select);
}

/** A field that is there already, once more, with other selections below it. */
export function repeatField(draft: Draft, site: Site, select: Select): FieldNode | undefined {
  const [name, place] = draft.draw.pick([...site.scope]);
  const use = place.uses.find(({ parent }) => parent === site.type);
  const isTooDeep =
    use && isCompositeType(getNamedType(use.field.type)) && site.depth >= draft.settings.maxDepth;
  return use && !isTooDeep ? fieldNode(site, use, name, select) : undefined;
}

function fieldsOf({ type }: Site): AnyField[] {
  return isUnionType(type) ? [] : Object.values(type.getFields());
}

function drawUse(draft: Draft, site: Site, field: AnyField): FieldUse {
  const { settings } = draft;
  const coordinate = coordinateOf(site, field);
  const page = drawPage(draft, site, field);
  const values = drawValues(draft, site, field, page?.arguments ?? {});
  const nodes = field.args.flatMap((argument): ArgumentNode[] => {
    const { name, type } = argument;
    const hasDefault = isNonNullType(type) && !isRequiredArgument(argument);
    const node = draft.encoder.encode({ type, value: values[name], hasDefault, isOneOf: false });
    return node ? [{ kind: Kind.ARGUMENT, name: nameNode(name), value: node }] : [];
  });
  const listSize = settings.listSizes[coordinate] ?? site.pageRows ?? defaultListSize;
  const length = typeof listSize === 'number' ? listSize : listSize(values);
  return {
    parent: site.type,
    field,
    arguments: nodes,
    signature: `${field.name}(${nodes.map(print).join()})`,
    values,
    rows: isListType(getNullableType(field.type)) ? length : 1,
    pageRows: page?.rows,
  };
}

/** The page of a connection, so large that its siblings have room too; undefined for other fields. */
function drawPage({ draw, settings, objects }: Draft, site: Site, field: AnyField): PageDraw | undefined {
  const argumentNames = new Set(field.args.map(({ name }) => name));
  if (!argumentNames.has('first') || !argumentNames.has('last')) return undefined;
  const maxRows = Math.max(0, Math.floor((settings.maxObjects - objects) / site.objects / 2));
  return settings.pages(draw, {
    coordinate: coordinateOf(site, field),
    path: site.path,
    argumentNames,
    maxRows,
  });
}

function drawValues(
  { draw, settings }: Draft,
  site: Site,
  field: AnyField,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const entries = field.args.map((argument) => {
    const { name, type } = argument;
    if (Object.hasOwn(given, name)) return [name, given[name]] as const;
    const coordinate = `${coordinateOf(site, field)}(${name}:)`;
    const isRequired = isRequiredArgument(argument);
    return [name, drawInput(draw, settings.sources, { coordinate, type, isRequired })] as const;
  });
  return Object.fromEntries(entries);
}

function coordinateOf(site: Site, field: AnyField): string {
  return `${site.type.name}.${field.name}`;
}

/** Objects that a field adds to the answer. */
function costOf(site: Site, { field, rows }: FieldUse): number {
  return isCompositeType(getNamedType(field.type)) ? site.objects * rows : 0;
}

/** The field's own name, an alias that others may share, or one of its own where both are taken. */
function responseName(draft: Draft, site: Site, use: FieldUse): string {
  const { draw, settings } = draft;
  const siblings = fieldsOf(site).map(({ name }) => name);
  const wanted = draw.chance(settings.shape.alias)
    ? draw.pick([...sharedAliases, draw.pick(siblings)])
    : use.field.name;
  return fits(site.scope, wanted, use) ? wanted : freshName(draft, `${use.field.name}_`);
}

function fieldNode(site: Site, use: FieldUse, name: string, select: Select): FieldNode {
  const scope = addUse(site.scope, name, use);
  const type = getNamedType(use.field.type);
  const step = { coordinate: coordinateOf(site, use.field), arguments: use.values };
  const inner = {
    depth: site.depth + 1,
    objects: Math.max(1, site.objects * use.rows),
    pageRows: use.pageRows,
    path: [...site.path, step],
    scope,
  };
  return {
    kind: Kind.FIELD,
    ...(name !== use.field.name && { alias: nameNode(name) }),
    name: nameNode(use.field.name),
    arguments: use.arguments,
    ...(isCompositeType(type) && { selectionSet: select({ ...inner, type }) }),
  };
}
