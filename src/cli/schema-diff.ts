import { writeFile } from 'node:fs/promises';
import { buildASTSchema, type GraphQLSchema, validate } from 'graphql';
import { elementsOf } from '../deprecation/elements.ts';
import { datesFrom, dayText } from '../deprecation/reason.ts';
import { StartError } from '../gateway.ts';
import type { NamedDocument } from '../guard/cost/cost-diff.ts';
import { baseText } from './base-text.ts';
import { documentFrom } from './input-file.ts';
import { type SchemaChange, schemaChanges } from './schema-changes.ts';
import { readStoredDocuments } from './stored-documents.ts';
import { textTable } from './text-table.ts';
import { usedCoordinates } from './used-coordinates.ts';

/** What `weir schema diff` is asked. */
export interface SchemaDiffOptions {
  readonly schema: GraphQLSchema;
  /** The schema before, as SDL: a file, or one of a commit as git names it, `REF:path`. */
  readonly base: string;
  /** Folder of documents or manifest: see readStoredDocuments. */
  readonly documents: string;
  /** Whether breaking changes are faults that no stored document notices, too; those that were announced are none. */
  readonly strict: boolean;
  /** Today, in wall milliseconds. */
  readonly nowMs: number;
  /** Where the comparison is written as JSON as well. */
  readonly json: string | undefined;
}

/** A comparison as text, and a line for each thing that may not be as it is. */
export interface SchemaDiff {
  readonly text: string;
  readonly faults: readonly string[];
}

interface Row extends Omit<SchemaChange, 'affects' | 'isRemoval'> {
  /** Names of the stored documents that a breaking change stops. */
  readonly documents: readonly string[];
  /** How a removal was announced; '' for other changes. */
  readonly note: string;
  readonly isAnnounced: boolean;
}

/** An element that is still there after the day of its removal. */
interface Overdue {
  readonly path: string;
  /** `YYYY-MM-DD` */
  readonly removal: string;
  readonly documents: readonly string[];
}

/** Most documents that one cell of the table names. */
const maxNames = 3;

/**
 * What changed since `base`, who of the stored documents notices, and what should have gone already. Faults are the
 * breaking changes that a stored document notices, and documents that are not valid. Throws {@link StartError} for what cannot be
 * read.
 */
export async function schemaDiff(options: SchemaDiffOptions): Promise<SchemaDiff> {
  const { schema, base, json, strict, nowMs } = options;
  const before = schemaFrom(await baseText(base), base);
  const documents = await readStoredDocuments(options.documents);
  const usedIn = (seen: GraphQLSchema) => {
    const used = documents.map(({ name, document }) => ({ name, used: usedCoordinates(seen, document) }));
    return (paths: readonly string[]) =>
      paths.length === 0
        ? []
        : used.flatMap((one) => (paths.every((path) => one.used.has(path)) ? one.name : []));
  };
  const usedBefore = usedIn(before);
  const rows = (await schemaChanges(before, schema)).map((change) =>
    rowFrom(change, before, usedBefore, nowMs),
  );
  const overdue = overdueIn(schema, usedIn(schema), nowMs);
  const invalid = documents.flatMap((document) => invalidityOf(schema, document));
  if (json !== undefined)
    await writeFile(json, `${JSON.stringify({ base, strict, changes: rows, overdue, invalid }, null, 2)}\n`);
  const faults = rows.filter(
    (row) => row.level === 'breaking' && (row.documents.length > 0 || (strict && !row.isAnnounced)),
  );
  return { text: textOf(rows, overdue), faults: [...faults.map(faultLine), ...invalid] };
}

function schemaFrom(text: string, base: string): GraphQLSchema {
  const document = documentFrom(text, base);
  try {
    const schema = buildASTSchema(document, { assumeValidSDL: true });
    if (!schema.getQueryType()) throw new TypeError('it has no type Query');
    return schema;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new StartError([`${base}: expected a schema in GraphQL's definition language: ${message}`], {
      cause,
    });
  }
}

type UsedBy = (paths: readonly string[]) => readonly string[];

function rowFrom(
  { affects, isRemoval, ...change }: SchemaChange,
  before: GraphQLSchema,
  usedBy: UsedBy,
  nowMs: number,
): Row {
  const documents = change.level === 'breaking' ? usedBy(affects) : [];
  if (!isRemoval) return { ...change, documents, note: '', isAnnounced: false };
  const { removalMs } = datesFrom(reasonOf(before, change.path) ?? '');
  const isDue = removalMs !== undefined && removalMs <= nowMs;
  const note = removalMs === undefined ? 'was not announced' : `announced for ${dayText(removalMs)}`;
  return {
    ...change,
    documents,
    note: isDue || removalMs === undefined ? note : `${note}, which is still to come`,
    isAnnounced: isDue,
  };
}

function reasonOf(schema: GraphQLSchema, coordinate: string): string | null | undefined {
  return elementsOf(schema).find((element) => String(element) === coordinate)?.deprecationReason;
}

function overdueIn(schema: GraphQLSchema, usedBy: UsedBy, nowMs: number): readonly Overdue[] {
  return elementsOf(schema).flatMap((element) => {
    const { removalMs } = datesFrom(element.deprecationReason ?? '');
    if (removalMs === undefined || removalMs > nowMs) return [];
    const path = String(element);
    return [{ path, removal: dayText(removalMs), documents: usedBy([path]) }];
  });
}

function invalidityOf(schema: GraphQLSchema, { name, document }: NamedDocument): readonly string[] {
  const [first] = validate(schema, document);
  return first ? [`${name}: is not valid for the schema: ${first.message}`] : [];
}

function faultLine({ path, message, documents }: Row): string {
  const usedBy = documents.length === 0 ? 'no stored document uses it' : `used by ${documents.join(', ')}`;
  return `${path === '' ? 'schema' : path}: ${message}: ${usedBy}`;
}

function textOf(rows: readonly Row[], overdue: readonly Overdue[]): string {
  const changes = textTable([
    ['level', 'path', 'change', 'documents', ''],
    ...rows.map(({ level, path, message, documents, note }) => [
      level,
      path,
      message,
      namesOf(documents),
      note,
    ]),
  ]);
  const late = textTable([
    ['still there', 'was to be removed', 'documents'],
    ...overdue.map(({ path, removal, documents }) => [path, removal, namesOf(documents)]),
  ]);
  return [rows.length === 0 ? 'Nothing has changed.' : changes, ...(overdue.length === 0 ? [] : [late])].join(
    '\n\n',
  );
}

function namesOf(documents: readonly string[]): string {
  const more = documents.length - maxNames;
  return [...documents.slice(0, maxNames), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
