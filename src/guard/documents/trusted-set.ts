import { setImmediate } from 'node:timers/promises';
import { type DocumentNode, GraphQLError, type GraphQLSchema } from 'graphql';
import { type Documents, keyOf, type PreparedDocument } from '../documents.ts';
import { canonicalId, documentIdOf } from './document-id.ts';
import type { Manifest, ManifestDocument } from './manifest.ts';

/** A document of a manifest, ready to run. */
export interface TrustedDocument extends PreparedDocument {
  /** As its manifest gives it; the first, where it has several. */
  readonly id: string;
  readonly text: string;
}

/** The documents of one variant at one time. */
export interface TrustedSet {
  readonly all: readonly TrustedDocument[];
  readonly byId: (id: string) => TrustedDocument | undefined;
  readonly byText: (text: string) => TrustedDocument | undefined;
  readonly byNode: (document: DocumentNode) => TrustedDocument | undefined;
}

/** What documents are prepared with. */
export interface TrustedSetParts {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  /** About what all may take, in bytes of memory. */
  readonly maxBytes: number;
  /** Told of each document that is new. */
  readonly onPrepared: (document: DocumentNode) => void;
}

/** What a document takes with its price, against itself alone: measured, at most. */
const pricedShare = 1.6;

/** A set without documents. */
export const emptyTrustedSet: TrustedSet = setFrom(new Map(), new Map());

/**
 * Parses and validates the documents of manifests, those of `known` not again; lets other work in between. `faults` has a
 * line for each that is not fit, which `set` has not.
 */
export async function prepareTrustedSet(
  manifests: readonly Manifest[],
  known: TrustedSet,
  parts: TrustedSetParts,
): Promise<{ readonly set: TrustedSet; readonly faults: readonly string[] }> {
  const ids = new Map<string, TrustedDocument>();
  const texts = new Map<string, TrustedDocument>();
  const faults = manifests.flatMap((manifest) => manifest.faults);
  let bytes = 0;
  for (const entry of manifests.flatMap(({ documents }) => documents)) {
    const prepared = texts.get(keyOf(entry.text)) ?? (await preparedFrom(entry, known, parts));
    if ('fault' in prepared) {
      faults.push(prepared.fault);
      continue;
    }
    if ((ids.get(canonicalId(entry.id)) ?? prepared) !== prepared) {
      faults.push(`${entry.place}: expected an id of its own, got one that names another document`);
      continue;
    }
    if (!texts.has(keyOf(entry.text))) bytes += prepared.bytes;
    texts.set(keyOf(entry.text), prepared);
    ids.set(documentIdOf(entry.text), prepared);
    ids.set(canonicalId(entry.id), prepared);
  }
  if (bytes > parts.maxBytes)
    faults.push(
      `expected documents that take at most ${parts.maxBytes} bytes, got about ${bytes}: raise documents.maxBytes`,
    );
  return { set: setFrom(ids, texts), faults };
}

function setFrom(
  ids: ReadonlyMap<string, TrustedDocument>,
  texts: ReadonlyMap<string, TrustedDocument>,
): TrustedSet {
  const nodes = new Map([...texts.values()].map((trusted) => [trusted.document, trusted]));
  return {
    all: [...texts.values()],
    byId: (id) => ids.get(canonicalId(id)),
    byText: (text) => (texts.size === 0 ? undefined : texts.get(keyOf(text))),
    byNode: (document) => nodes.get(document),
  };
}

async function preparedFrom(
  { id, text, place }: ManifestDocument,
  known: TrustedSet,
  { documents, schema, onPrepared }: TrustedSetParts,
): Promise<TrustedDocument | { readonly fault: string }> {
  const before = known.byText(text);
  if (before) return before.id === id ? before : { ...before, id };
  await setImmediate();
  try {
    const prepared = documents.prepare(schema, text);
    onPrepared(prepared.document);
    return { ...prepared, bytes: Math.ceil(prepared.bytes * pricedShare), id, text };
  } catch (thrown) {
    return { fault: `${place}: ${faultOf(thrown)}` };
  }
}

function faultOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(faultOf).join(' ');
  if (!(thrown instanceof GraphQLError)) return thrown instanceof Error ? thrown.message : String(thrown);
  const [at] = thrown.locations ?? [];
  return `${at ? `line ${at.line}, column ${at.column}: ` : ''}${thrown.message}`;
}
