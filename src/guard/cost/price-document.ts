import { buildASTSchema, type GraphQLSchema, getOperationAST, getVariableValues, parse } from 'graphql';
import { createCostModel } from './cost-model.ts';
import { compilePrice, type Price } from './price-plan.ts';

/** An operation and all that its price depends on. */
export interface PricedDocument {
  /** The schema with its weights; it may declare `@cost` and `@listSize` itself, or leave that out. */
  readonly sdl: string;
  /** A GraphQL document that is valid for the schema. */
  readonly operation: string;
  /** Which operation of the document; may be left out when there is one. */
  readonly operationName?: string | null | undefined;
  /** As JSON, before coercion; null: nothing is known of them, so the worst case is priced. */
  readonly variables: Readonly<Record<string, unknown>> | null;
  /** Items of a list that nothing sizes; the IBM specification says Infinity. */
  readonly defaultListSize: number;
}

/**
 * The price of one operation from texts alone: `typeCost` and `fieldCost` by the IBM GraphQL Cost Directives, `points`
 * as Weir charges them. Throws GraphQLError for texts that do not parse, AggregateError of them for variables that do
 * not fit, RangeError for weights, sizes and names that are none.
 */
export function priceDocument(given: PricedDocument): Pick<Price, 'typeCost' | 'fieldCost' | 'points'> {
  const schema = buildASTSchema(parse(given.sdl), { assumeValidSDL: true });
  const model = createCostModel(schema, { defaultListSize: given.defaultListSize });
  const document = parse(given.operation);
  const plan = compilePrice(model, document, given.operationName);
  const variables = given.variables && coerceVariables(schema, document, given);
  const { typeCost, fieldCost, points } = plan.estimate(variables);
  return { typeCost, fieldCost, points };
}

function coerceVariables(
  schema: GraphQLSchema,
  document: ReturnType<typeof parse>,
  { operationName, variables }: PricedDocument,
): Readonly<Record<string, unknown>> {
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  const { variableValues, errors } = getVariableValues(schema, definitions, variables ?? {});
  if (errors)
    throw new AggregateError(errors, `Expected variables of the declared types: ${errors.join(' ')}`);
  return variableValues.coerced;
}
