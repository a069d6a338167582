import { writeFile } from 'node:fs/promises';
import {
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  validate,
} from 'graphql';
import { StartError } from '../gateway.ts';
import { createCostModel } from '../guard/cost/cost-model.ts';
import { costModelVersion } from '../guard/cost/cost-model-version.ts';
import { compilePrice, type Price } from '../guard/cost/price-plan.ts';
import { priceText } from '../guard/cost/price-text.ts';
import type { GatewayPages } from '../guard/cost/weights.ts';
import { documentFrom, faultLines, jsonObjectFrom, readText } from './input-file.ts';
import { textTable } from './text-table.ts';

/** What `weir cost` is asked. */
export interface CostOptions {
  readonly schema: GraphQLSchema;
  readonly pages: GatewayPages;
  /** The document, in GraphQL. */
  readonly file: string;
  /** File of the variables, as JSON; undefined: the worst case is priced. */
  readonly variables: string | undefined;
  /** Which operation of the document; may be left out when there is one. */
  readonly operation: string | undefined;
  /** Where the price is written as JSON as well; what has no bound is null there. */
  readonly json: string | undefined;
}

/**
 * The price of one operation: the tree of its fields, and its totals. Throws {@link StartError} for files that cannot be
 * read, a document that is not valid for the schema, an operation that it lacks and variables that do not fit.
 */
export async function cost(options: CostOptions): Promise<string> {
  const { schema, pages, file, operation, json } = options;
  const document = documentFrom(await readText(file), file);
  const faults = validate(schema, document);
  if (faults.length > 0) throw new StartError(faultLines(faults, file));
  assertOperation(document, operation, file);
  const variables = await variablesOf(document, options);
  const plan = compilePrice(createCostModel(schema, { pages }), document, operation);
  const price = plan.estimate(variables);
  const fields = plan.report(variables);
  if (json !== undefined)
    await writeFile(
      json,
      `${JSON.stringify({ modelVersion: costModelVersion, ...price, fields }, null, 2)}\n`,
    );
  const basis = variables ? '' : 'Without variables, so this is the worst case.\n\n';
  return `${basis}${priceText(fields)}\n${totalsText(price)}\n`;
}

function assertOperation(document: DocumentNode, operation: string | undefined, file: string): void {
  if (getOperationAST(document, operation)) return;
  const names = document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? [definition.name?.value ?? '(without a name)'] : [],
  );
  const wanted = operation === undefined ? 'one operation; name one with --operation' : `"${operation}"`;
  throw new StartError([`${file}: expected ${wanted}, got ${names.join(', ') || 'no operation'}`]);
}

async function variablesOf(
  document: DocumentNode,
  { schema, operation, variables: file }: CostOptions,
): Promise<Readonly<Record<string, unknown>> | null> {
  if (file === undefined) return null;
  const given = jsonObjectFrom(await readText(file), file, 'variables');
  const definitions = getOperationAST(document, operation)?.variableDefinitions ?? [];
  const { variableValues, errors } = getVariableValues(schema, definitions, given);
  if (errors) throw new StartError(errors.map(({ message }) => `${file}: ${message}`));
  return variableValues.coerced;
}

function totalsText(price: Price): string {
  const { points, typeCost, fieldCost, upstreamCalls, upstreams } = price;
  return textTable([
    ['points', numberOf(points), 'what is charged'],
    ['typeCost', numberOf(typeCost), 'IBM GraphQL Cost Directives'],
    ['fieldCost', numberOf(fieldCost), 'IBM GraphQL Cost Directives'],
    ['upstreamCalls', numberOf(upstreamCalls), 'at most'],
    ...Object.entries(upstreams).map(([name, at]) => [
      `upstreams.${name}`,
      numberOf(at),
      'points of its calls and keys, at most',
    ]),
    ['model version', costModelVersion],
  ]);
}

function numberOf(value: number): number | string {
  return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : 'unbounded';
}
