import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describeOptions, type OptionDescription } from '../src/cli/describe-options.ts';
import { manifestText } from '../src/cli/documents.ts';
import { parseConfig, type WeirConfig } from '../src/config/config.ts';
import { optionSections } from '../src/config/option-sections.ts';
import type { VariantSettings } from '../src/config/variant-settings.ts';
import { errorTable } from '../src/errors.ts';
import { readManifest } from '../src/guard/documents/manifest-files.ts';
import { printPricedSchema } from '../src/pothos/print-schema.ts';
import { endReasons } from '../src/realtime/sink.ts';
import { closeTable } from '../src/transport/close-codes.ts';
import { audits } from '../test/kit/streaming-audit/run-audits.ts';
import config from '../weir.config.ts';
import { threatLines } from './threats.ts';

/** A part of a document that is made from the code: between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. */
interface Table {
  readonly file: string;
  readonly name: string;
  readonly lines: () => readonly string[];
}

const tables: readonly Table[] = [
  {
    file: 'README.md',
    name: 'options',
    lines: () => optionLines((option) => !option.startsWith('upstreams.')),
  },
  { file: 'docs/limits.md', name: 'limits', lines: () => optionLines(() => true) },
  { file: 'docs/errors.md', name: 'errors', lines: errorLines },
  { file: 'docs/realtime.md', name: 'close-codes', lines: closeCodeLines },
  {
    file: 'docs/realtime.md',
    name: 'end-reasons',
    lines: () => endReasons.map((reason) => `* \`${reason}\``),
  },
  { file: 'docs/streaming-audit.md', name: 'audits', lines: auditLines },
  { file: 'docs/threats.md', name: 'threats', lines: () => threatLines(absolute('.')) },
];

/** The shop, as the gateway reads it. */
const shop: WeirConfig = config;

/** The variants of the shop whose clients have documents here. */
const documentVariants = ['web', 'mobile'] as const;

/** Every document that is made from the code, or has such parts, by its path from the root, as it should be. */
export async function writtenDocuments(): Promise<ReadonlyMap<string, string>> {
  const documents = new Map<string, string>();
  for (const { file, name, lines } of tables) {
    const text = documents.get(file) ?? (await readFile(absolute(file), 'utf8'));
    documents.set(file, withTable(text, name, lines(), file));
  }
  documents.set(
    'schema/schema.graphql',
    printPricedSchema(shop.schema, optionSections.pages.parse(shop.pages ?? {})),
  );
  for (const { name, schema, pages } of variantsOfShop())
    documents.set(`schema/${name}.graphql`, printPricedSchema(schema, pages));
  for (const variant of documentVariants) {
    const manifest = await readManifest(absolute(`documents/${variant}`));
    documents.set(`documents/${variant}.json`, manifestText(manifest.documents));
  }
  return documents;
}

/** The faces of the shop: each has a schema of its own. */
function variantsOfShop(): readonly VariantSettings[] {
  const parsed = parseConfig(shop, {});
  if (!parsed.ok) throw new Error(parsed.faults.join('\n'));
  return parsed.settings.variants;
}

function withTable(text: string, name: string, lines: readonly string[], file: string): string {
  const begin = `<!-- ${name}:begin -->\n`;
  const from = text.indexOf(begin);
  const to = text.indexOf(`<!-- ${name}:end -->`);
  if (from < 0 || to < from) throw new Error(`${file}: expected the comments ${name}:begin and ${name}:end.`);
  return `${text.slice(0, from + begin.length)}${lines.join('\n')}\n${text.slice(to)}`;
}

function optionLines(chosen: (path: string) => boolean): string[] {
  const rows = describeOptions()
    .filter(({ option }) => chosen(option))
    .map(optionRow);
  return ['| option | meaning | default | bounds | variable |', '|---|---|---|---|---|', ...rows];
}

function optionRow({ option, description, default: fallback, bounds, variable }: OptionDescription): string {
  const name = variable ? `\`${variable}\`` : '';
  return `| \`${option}\` | ${description} | ${fallback} | ${bounds} | ${name} |`;
}

function errorLines(): string[] {
  const rows = Object.entries(errorTable).map(
    ([code, { httpStatus, retryable, message }]) =>
      `| \`${code}\` | ${httpStatus} | ${retryable ? 'yes' : 'no'} | ${message} |`,
  );
  return ['| code | status | retry | message |', '|---|---|---|---|', ...rows];
}

function closeCodeLines(): string[] {
  const rows = Object.values(closeTable).map(
    ({ code, reason, retried, source }) => `| ${code} | ${reason} | ${retried ? 'yes' : 'no'} | ${source} |`,
  );
  return ['| code | reason | retried | source |', '|---|---|---|---|', ...rows];
}

function absolute(file: string): string {
  return fileURLToPath(new URL(`../${file}`, import.meta.url));
}

if (import.meta.main) {
  for (const [file, text] of await writtenDocuments()) await writeFile(absolute(file), text);
}

function auditLines(): readonly string[] {
  const rows = Object.values(audits).flatMap((group) =>
    group.map(({ id, level, name, source }) => `| \`${id}\` | ${level} | ${name} | ${source} |`),
  );
  return ['| id | level | rule | source |', '|---|---|---|---|', ...rows];
}
