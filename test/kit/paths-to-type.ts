import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isObjectType,
  OperationTypeNode,
} from 'graphql';

/** One way from the root of a schema to an object type: what an operation selects, level by level. */
export interface PathToType {
  readonly operation: OperationTypeNode;
  /** `Query.viewer > Viewer.orders > ViewerOrderConnection.edges > ViewerOrderEdge.node` */
  readonly name: string;
  /** The fields from the root to the one that gives the type, each with the object type that it is selected on. */
  readonly steps: readonly PathStep[];
}

export interface PathStep {
  readonly parent: string;
  readonly field: string;
  /** Whether `parent` is one of several types, so that it is asked for with `... on`. */
  readonly isChosen: boolean;
}

/**
 * All ways to a type: from each field of each root, the shortest to each field that may give the type, and never through the
 * type itself.
 */
export function pathsToType(schema: GraphQLSchema, typename: string): readonly PathToType[] {
  return Object.values(OperationTypeNode).flatMap((operation) => {
    const root = schema.getRootType(operation);
    if (!root) return [];
    return Object.keys(root.getFields()).flatMap((field) => {
      const first = { parent: root.name, field, isChosen: false };
      return pathsBehind(schema, root, first, typename).map((steps) => ({
        operation,
        name: steps.map((step) => `${step.parent}.${step.field}`).join(' > '),
        steps,
      }));
    });
  });
}

/** The document of a path that asks for the type and id of what is at its end; `argumentsOf` gives the arguments of a field. */
export function documentOf(
  { operation, steps }: PathToType,
  typename: string,
  argumentsOf: (coordinate: string) => string | undefined,
): string {
  const selection = steps.reduceRight((below, { parent, field, isChosen }) => {
    const given = argumentsOf(`${parent}.${field}`);
    const text = `${field}${given === undefined ? '' : `(${given})`} { ${below} }`;
    return isChosen ? `... on ${parent} { ${text} }` : text;
  }, `... on ${typename} { __typename id }`);
  return `${operation} { ${selection} }`;
}

function pathsBehind(
  schema: GraphQLSchema,
  root: GraphQLObjectType,
  first: PathStep,
  typename: string,
): readonly (readonly PathStep[])[] {
  const found: (readonly PathStep[])[] = [];
  const known = new Set([root.name, typename]);
  let level: (readonly PathStep[])[] = [[first]];
  while (level.length > 0) {
    const next: (readonly PathStep[])[] = [];
    for (const steps of level) {
      const given = typeAt(schema, steps);
      const types = objectTypesOf(schema, given);
      if (types.some(({ name }) => name === typename)) found.push(steps);
      for (const type of types) {
        if (known.has(type.name)) continue;
        known.add(type.name);
        for (const field of Object.values(type.getFields()))
          if (isCompositeType(getNamedType(field.type)))
            next.push([...steps, { parent: type.name, field: field.name, isChosen: isAbstractType(given) }]);
      }
    }
    level = next;
  }
  return found;
}

/** What the last field of some steps gives. */
function typeAt(schema: GraphQLSchema, steps: readonly PathStep[]): GraphQLNamedType | undefined {
  const { parent, field } = steps.at(-1) ?? { parent: '', field: '' };
  const type = schema.getType(parent);
  const found = isObjectType(type) ? type.getFields()[field] : undefined;
  return found && getNamedType(found.type);
}

function objectTypesOf(
  schema: GraphQLSchema,
  type: GraphQLNamedType | undefined,
): readonly GraphQLObjectType[] {
  if (isAbstractType(type)) return schema.getPossibleTypes(type);
  return isObjectType(type) ? [type] : [];
}
