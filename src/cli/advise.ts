import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type GraphQLSchema, parse } from 'graphql';
import { StartError } from '../gateway.ts';
import { type Advice, adviseLimits } from '../guard/advice.ts';
import type { TrafficLine, TrafficOperation } from '../observe/traffic.ts';
import { type AnswerField, answerFields } from '../operation/answer-fields.ts';
import { textTable } from './text-table.ts';

/** What `weir advise` is asked. */
export interface AdviseOptions {
  readonly schema: GraphQLSchema;
  /** The record of traffic: JSON lines, as `traffic.file` makes gateways write them. */
  readonly file: string;
  /** Share of the operations that limits may refuse, 0 to 1. */
  readonly refusedShare: number;
  /** Where the advice is written as JSON as well. */
  readonly json: string | undefined;
}

/** The advice for a record of traffic as tables; throws {@link StartError} for a record that cannot be read. */
export async function advise({ schema, file, refusedShare, json }: AdviseOptions): Promise<string> {
  const { operations, documents } = await readTraffic(file);
  if (operations.length === 0)
    throw new StartError([
      `${file}: expected at least one recorded operation; see traffic.file in the README`,
    ]);
  const fields = new Map<string, ReadonlyMap<string, AnswerField>>();
  const fieldsOf = (hash: string) => {
    const known = fields.get(hash);
    if (known) return known;
    const text = documents.get(hash);
    const found = text === undefined ? new Map() : answerFields(schema, parse(text));
    fields.set(hash, found);
    return found;
  };
  const advice = adviseLimits(operations, {
    refusedShare,
    fieldAt: (document, path) => fieldsOf(document).get(path),
  });
  if (json !== undefined) await writeFile(json, `${JSON.stringify(advice, null, 2)}\n`);
  return adviceText(advice, refusedShare);
}

async function readTraffic(file: string) {
  const operations: TrafficOperation[] = [];
  const documents = new Map<string, string>();
  let number = 0;
  try {
    for await (const text of createInterface({
      input: createReadStream(file),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      number += 1;
      if (text.trim() === '') continue;
      const line = JSON.parse(text) as TrafficLine; // as: checked by its kind below
      if (line.kind === 'operation') operations.push(line);
      else if (line.kind === 'document') documents.set(line.hash, line.text);
      else throw new TypeError('expected the kind "operation" or "document"');
    }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new StartError([`${file}: line ${number}: expected a line of recorded traffic: ${message}`], {
      cause,
    });
  }
  return { operations, documents };
}

function adviceText(advice: Advice, refusedShare: number): string {
  const { operations, ceilings, proposedCeiling, budgets, proposedBudgets, lists, weights } = advice;
  const isProposed = (row: unknown) =>
    row === proposedCeiling || proposedBudgets.some((budget) => budget === row) ? '<- proposed' : '';
  const parts = [
    `${operations} operations. Proposed: the smallest limits that refuse at most ${percent(refusedShare)} of them.`,
    section('Ceiling of one operation', ['points', 'refused', ''], ceilings, (row) => [
      row.limitPoints,
      percent(row.refusedShare),
      isProposed(row),
    ]),
    section(
      'Budgets',
      ['caller', 'points', 'per second', 'refused', 'callers refused', ''],
      budgets,
      (row) => [
        row.callerKind,
        row.limitPoints,
        row.restorePerSecond,
        percent(row.refusedShare),
        `${row.refusedCallers} of ${row.callers}`,
        isProposed(row),
      ],
    ),
    section('List sizes', ['field', 'operations', 'median', 'p99', 'largest'], lists, (row) => [
      row.field,
      row.operations,
      round(row.median),
      round(row.p99),
      round(row.largest),
    ]),
    section(
      'Weights: fields slower than their price says',
      ['field', 'operations', 'factor'],
      weights,
      (row) => [row.field, row.operations, round(row.factor)],
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section<Row>(
  title: string,
  head: readonly string[],
  rows: readonly Row[],
  cells: (row: Row) => readonly (string | number)[],
): string {
  if (rows.length === 0) return `${title}: nothing to say.`;
  return `${title}\n${textTable([head, ...rows.map(cells)])}`;
}

function percent(share: number): string {
  return `${round(share * 100)} %`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
