import { writeFile } from 'node:fs/promises';
import type { VariantSettings } from '../config/variant-settings.ts';
import { StartError } from '../gateway.ts';
import { documentIdOf } from '../guard/documents/document-id.ts';
import type { Manifest, ManifestDocument } from '../guard/documents/manifest.ts';
import { readManifest } from '../guard/documents/manifest-files.ts';
import { emptyTrustedSet, prepareTrustedSet } from '../guard/documents/trusted-set.ts';
import { createDocuments } from '../guard/documents.ts';

/** What `weir documents` is asked. */
export interface DocumentsOptions {
  /** A folder of `.graphql` files, or a manifest in any form that is read. */
  readonly source: string;
  readonly variant: VariantSettings;
  /** Where the documents are written as a manifest; undefined: nowhere. */
  readonly out: string | undefined;
}

/** A line for each document that its variant does not trust as it is; see trustedOf in variant.ts. */
export async function documentFaults(
  manifests: readonly Manifest[],
  { schema, limits, documents: { maxBytes } }: Pick<VariantSettings, 'schema' | 'limits' | 'documents'>,
): Promise<readonly string[]> {
  const documents = createDocuments(limits);
  const parts = { schema, documents, maxBytes, onPrepared: () => {} };
  return (await prepareTrustedSet(manifests, emptyTrustedSet, parts)).faults;
}

/** The same for the manifests that the configuration names, of every variant. */
export async function configuredDocumentFaults(
  variants: readonly VariantSettings[],
): Promise<readonly string[]> {
  const faults = variants.map(async (variant) => {
    const manifests = await Promise.all(variant.documents.manifests.map((path) => readManifest(path)));
    const found = await documentFaults(manifests, variant);
    return found.map((fault) => `variants.${variant.name}.documents: ${fault}`);
  });
  return (await Promise.all(faults)).flat();
}

/**
 * Checks documents against a variant, and writes them as a manifest. Resolves with the ids, a line for each. Throws
 * {@link StartError} with a line for each that is faulty; nothing is written then.
 */
export async function storeDocuments({ source, variant, out }: DocumentsOptions): Promise<string> {
  const manifest = await readManifest(source);
  const faults = await documentFaults([manifest], variant);
  if (faults.length > 0) throw new StartError(faults);
  if (out !== undefined) await writeFile(out, manifestText(manifest.documents));
  return manifest.documents.map(({ text, place }) => `${documentIdOf(text)}  ${place}\n`).join('');
}

/** Documents as the client preset of graphql-codegen writes them: `{ "sha256:…": "text" }`. */
export function manifestText(documents: readonly Pick<ManifestDocument, 'text'>[]): string {
  const entries = documents.map(({ text }) => [documentIdOf(text), text]);
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}
