import {
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { isShown } from './shown.ts';

/**
 * The types to which a variant leads, from its roots on: by what is shown alone, and by every type that implements an
 * interface. Those that are hidden themselves are left out, whatever leads to them.
 */
export function reachableTypes(schema: GraphQLSchema, variant: string): ReadonlySet<GraphQLNamedType> {
  const reached = new Set<GraphQLNamedType>();
  const left: GraphQLType[] = [];
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()])
    if (root) left.push(root);
  for (const { args } of schema.getDirectives()) left.push(...args.map(({ type }) => type));
  for (let type = left.pop(); type; type = left.pop()) {
    const named = getNamedType(type);
    if (reached.has(named) || !isShown(named, variant)) continue;
    reached.add(named);
    left.push(...neighbours(schema, named, variant));
  }
  return reached;
}

function neighbours(schema: GraphQLSchema, type: GraphQLNamedType, variant: string): readonly GraphQLType[] {
  if (isUnionType(type)) return type.getTypes();
  if (isInputObjectType(type))
    return Object.values(type.getFields())
      .filter((field) => isShown(field, variant))
      .map((field) => field.type);
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  const fields = Object.values(type.getFields()).filter((field) => isShown(field, variant));
  const args = fields.flatMap((field) => field.args.filter((argument) => isShown(argument, variant)));
  const implementing = isInterfaceType(type) ? schema.getImplementations(type) : undefined;
  return [
    ...fields.map((field) => field.type),
    ...args.map((argument) => argument.type),
    ...type.getInterfaces(),
    ...(implementing ? [...implementing.objects, ...implementing.interfaces] : []),
  ];
}
