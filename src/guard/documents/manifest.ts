import { isObject } from '../../is-object.ts';
import { idFault } from './document-id.ts';

/** One document of a manifest. */
export interface ManifestDocument {
  readonly id: string;
  readonly text: string;
  /** Of its entry: its id, or what the tool calls it. */
  readonly name: string;
  /** Where it stands: the file, and the entry in it. */
  readonly place: string;
}

/** The documents of a manifest that are as they should be, and a line for each that is not. */
export interface Manifest {
  readonly documents: readonly ManifestDocument[];
  readonly faults: readonly string[];
}

/** A form in which tools write manifests: whether a file has it, and its entries. */
interface Format {
  readonly isOf: (manifest: Json) => boolean;
  readonly entriesOf: (manifest: Json) => Iterable<Entry>;
}

type Json = Readonly<Record<string, unknown>>;

/** `name` is of the entry, for whoever looks for it. */
interface Entry {
  readonly name: string;
  readonly id: unknown;
  readonly text: unknown;
}

const apolloFormat = 'apollo-persisted-query-manifest';

/** In the sequence in which they are tried. */
const formats: readonly Format[] = [
  {
    // Apollo: generate-persisted-query-manifest, and the code generators for iOS and Android.
    isOf: ({ format }) => format === apolloFormat,
    entriesOf: ({ operations }) => (Array.isArray(operations) ? operations : []).map(apolloEntry),
  },
  {
    // `{ "id": "text" }`: persisted-documents.json of graphql-codegen's client preset, and the `file` of Relay's persistConfig.
    isOf: () => true,
    entriesOf: (manifest) => Object.entries(manifest).map(([id, text]) => ({ name: id, id, text })),
  },
];

/**
 * Reads a manifest in any of the forms that tools write: graphql-codegen's client preset, the Relay compiler, Apollo
 * (format 1). An id that looks like a digest must be that of its text. Never throws: what is wrong is told by line, with the
 * file and the entry. Whether the texts are GraphQL, and fit the schema, is asked later.
 */
export function parseManifest(json: string, file: string): Manifest {
  const manifest = objectFrom(json);
  if (typeof manifest === 'string') return { documents: [], faults: [`${file}: ${manifest}`] };
  const formatFault = faultOfFormat(manifest);
  if (formatFault) return { documents: [], faults: [`${file}: ${formatFault}`] };
  const documents: ManifestDocument[] = [];
  const faults: string[] = [];
  for (const { name, id, text } of formats.find(({ isOf }) => isOf(manifest))?.entriesOf(manifest) ?? []) {
    const place = `${file}, ${JSON.stringify(name.slice(0, 100))}`;
    const fault = entryFault(id, text);
    if (fault === undefined) documents.push({ id: String(id), text: String(text), name, place });
    else faults.push(`${place}: ${fault}`);
  }
  return { documents, faults };
}

function objectFrom(json: string): Json | string {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : 'expected documents by their ids as a JSON object';
  } catch (thrown) {
    return `expected documents by their ids as JSON: ${thrown instanceof Error ? thrown.message : thrown}`;
  }
}

function faultOfFormat({ format, version, operations }: Json): string | undefined {
  if (format !== apolloFormat) return undefined;
  if (version !== 1) return `expected version 1 of ${apolloFormat}, got ${JSON.stringify(version)}`;
  return Array.isArray(operations) ? undefined : 'expected "operations" to be a list';
}

function apolloEntry(operation: unknown, index: number): Entry {
  const { id, name, body } = isObject(operation) ? operation : {};
  return { name: typeof name === 'string' ? name : `operations[${index}]`, id, text: body };
}

function entryFault(id: unknown, text: unknown): string | undefined {
  if (typeof id !== 'string') return `expected an id as text, got ${kindOf(id)}`;
  if (typeof text !== 'string') return `expected the text of a document, got ${kindOf(text)}`;
  return idFault(id, text);
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}
