import { writeFile } from 'node:fs/promises';
import { buildASTSchema, type GraphQLSchema, validate } from 'graphql';
import { StartError } from '../gateway.ts';
import { type CostDifference, costDifferences, type NamedDocument } from '../guard/cost/cost-diff.ts';
import { type CostModel, createCostModel } from '../guard/cost/cost-model.ts';
import type { GatewayPages } from '../guard/cost/weights.ts';
import { documentFrom, readText } from './input-file.ts';
import { readStoredDocuments } from './stored-documents.ts';
import { textTable } from './text-table.ts';

/** What `weir cost diff` is asked. */
export interface CostDiffOptions {
  readonly schema: GraphQLSchema;
  readonly pages: GatewayPages;
  /** File of the other schema: SDL with its prices, as `weir schema` prints it. */
  readonly base: string;
  /** Folder of documents or manifest: see readStoredDocuments. */
  readonly documents: string;
  /** Share by which a price may rise, from 0; 0.1 is a tenth. */
  readonly maxRise: number;
  /** Points that one operation may cost at most. */
  readonly ceilingPoints: number;
  /** Where the comparison is written as JSON as well; what has no bound is null there. */
  readonly json: string | undefined;
}

/** A comparison as text, and a line for each document that may not be as it is. */
export interface CostDiff {
  readonly text: string;
  readonly faults: readonly string[];
}

interface Row extends CostDifference {
  /** Why it fails the comparison; undefined when it does not. */
  readonly fault: string | undefined;
}

/**
 * What the stored documents cost at their worst, with the schema in `base` and with this one. Throws {@link StartError}
 * for files that cannot be read.
 */
export async function costDiff(options: CostDiffOptions): Promise<CostDiff> {
  const { schema, pages, base, json, maxRise, ceilingPoints } = options;
  const before = await modelFrom(base, pages);
  const after = createCostModel(schema, { pages });
  const documents = await readStoredDocuments(options.documents);
  const invalid = new Map(documents.map((document) => [document.name, invalidityOf(schema, document)]));
  const rows = costDifferences(before, after, documents).map((row): Row => {
    const fault = invalid.get(row.document) ?? faultOf(row, options);
    return { ...row, fault };
  });
  if (json !== undefined)
    await writeFile(json, `${JSON.stringify({ base, maxRise, ceilingPoints, rows }, null, 2)}\n`);
  return {
    text: tableOf(rows),
    faults: rows.flatMap(({ document, operation, fault }) =>
      fault === undefined ? [] : [`${[document, operation].filter(Boolean).join(', ')}: ${fault}`],
    ),
  };
}

async function modelFrom(file: string, pages: GatewayPages): Promise<CostModel> {
  const document = documentFrom(await readText(file), file);
  try {
    const schema = buildASTSchema(document, { assumeValidSDL: true });
    if (!schema.getQueryType()) throw new TypeError('it has no type Query');
    return createCostModel(schema, { pages });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new StartError([`${file}: expected a schema in GraphQL's definition language: ${message}`], {
      cause,
    });
  }
}

function invalidityOf(schema: GraphQLSchema, { document }: NamedDocument): string | undefined {
  const [first] = validate(schema, document);
  return first && `is not valid for the schema: ${first.message}`;
}

function faultOf(
  { before, after }: CostDifference,
  { maxRise, ceilingPoints }: CostDiffOptions,
): string | undefined {
  if (after === undefined) return 'cannot be priced';
  if (after > ceilingPoints)
    return `costs ${pointsText(after)} points, above the ceiling of ${ceilingPoints} for one operation`;
  if (before === undefined || after <= before * (1 + maxRise)) return undefined;
  return `costs ${pointsText(after)} points instead of ${pointsText(before)}, more than ${percent(maxRise)} dearer`;
}

function tableOf(rows: readonly Row[]): string {
  const head = ['document', 'operation', 'before', 'after', 'change', ''];
  return textTable([
    head,
    ...rows.map(({ document, operation, before, after, factor, fault }) => [
      document,
      operation ?? '',
      pointsText(before),
      pointsText(after),
      factor === undefined ? '' : `${factor > 1 ? '+' : ''}${percent(factor - 1)}`,
      fault === undefined ? '' : '<- fails',
    ]),
  ]);
}

function pointsText(points: number | undefined): number | string {
  if (points === undefined) return 'none';
  return Number.isFinite(points) ? Math.round(points * 1000) / 1000 : 'unbounded';
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(share * 1000) / 10} %` : 'unbounded';
}
