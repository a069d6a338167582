import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GraphQLSchema } from 'graphql';
import { systemClock } from '../clock.ts';
import { parseConfig, type Settings, type WeirConfig } from '../config/config.ts';
import type { Environment } from '../config/environment.ts';
import { optionSections } from '../config/option-sections.ts';
import type { VariantSettings } from '../config/variant-settings.ts';
import { createGateway, StartError } from '../gateway.ts';
import { printPricedSchema } from '../pothos/print-schema.ts';
import { advise } from './advise.ts';
import { cost } from './cost.ts';
import { costDiff } from './cost-diff.ts';
import { describeOptions } from './describe-options.ts';
import { developmentToken } from './development-token.ts';
import { configuredDocumentFaults, storeDocuments } from './documents.ts';
import { loadConfig } from './load-config.ts';
import { revoke } from './revoke.ts';
import { parseWords, usage, type Words } from './words.ts';

/** The process that a command runs in. */
export interface CommandHost {
  readonly environment: Environment;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Resolves when the command is to stop; called once, when there is something to stop. */
  readonly stopped: () => Promise<void>;
}

/** Names of the words behind each command. */
const operands = {
  start: [],
  check: [],
  schema: [],
  'schema diff': ['BASE'],
  documents: ['SOURCE'],
  token: [],
  revoke: [],
  cost: ['DOCUMENT'],
  'cost diff': ['BASE'],
  advise: ['TRAFFIC'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

type Name = keyof typeof operands;
type Command = (config: WeirConfig, host: CommandHost, words: Words<Name>) => Promise<void> | void;

const commands: Readonly<Record<Exclude<Name, 'revoke'>, Command>> = {
  start,
  check,
  schema: printGraph,
  'schema diff': printSchemaDiff,
  documents: printDocuments,
  token: printToken,
  cost: printCost,
  'cost diff': printCostDiff,
  advise: printAdvice,
};

/** Runs the command that `words` (arguments of the command line) name; resolves with the process's exit code. */
export async function runCommand(words: readonly string[], host: CommandHost): Promise<number> {
  const parsed = parseWords<Name>(words, operands);
  if (typeof parsed === 'string') {
    host.err(`${parsed}\n\n${usage}`);
    return 2;
  }
  try {
    if (parsed.help) host.out(usage);
    else if (parsed.options) host.out(optionLines());
    // Of a gateway that runs, wherever its configuration is.
    else if (parsed.command === 'revoke') host.out(`${await revoke(parsed)}\n`);
    else await commands[parsed.command](await loadConfig(parsed.config), host, parsed);
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof StartError)) throw thrown;
    host.err(`${thrown.message}\n`);
    return 1;
  }
}

async function start(config: WeirConfig, { environment, out, stopped }: CommandHost): Promise<void> {
  const gateway = createGateway(config, { environment });
  // Before the start, so that a signal during it stops the gateway as one after it does.
  const stop = stopped();
  try {
    const { url } = await gateway.start();
    out(`gateway ready on ${url}\n`);
    await stop;
  } finally {
    await gateway.close();
  }
}

async function check(config: WeirConfig, { environment, out }: CommandHost): Promise<void> {
  const { variants } = assertSettings(config, environment);
  const faults = await configuredDocumentFaults(variants);
  if (faults.length > 0) throw new StartError(faults);
  out('The configuration is valid.\n');
}

function assertSettings(config: WeirConfig, environment: Environment): Settings {
  const parsed = parseConfig(config, environment);
  if (!parsed.ok) throw new StartError(parsed.faults);
  return parsed.settings;
}

/** Without a variant, looks at nothing but the schema and its page sizes: it is printed where a gateway would not start. */
function printGraph(config: WeirConfig, { environment, out }: CommandHost, { variant }: Words<Name>): void {
  if (variant !== undefined) {
    const shown = variantOf(assertSettings(config, environment), variant);
    out(printPricedSchema(shown.schema, shown.pages));
    return;
  }
  const { schema, pages = {} } = config;
  if (!(schema instanceof GraphQLSchema)) throw new StartError(['schema: expected a GraphQLSchema']);
  const sizes = optionSections.pages.safeParse(pages);
  if (!sizes.success) throw new StartError(sizes.error.issues.map(({ message }) => `pages: ${message}`));
  out(printPricedSchema(schema, sizes.data));
}

async function printSchemaDiff(
  config: WeirConfig,
  { environment, out }: CommandHost,
  { operands: [base = ''], variant, documents, strict, json, config: file }: Words<Name>,
): Promise<void> {
  const { name, schema } = variantOf(assertSettings(config, environment), variant);
  // Read when it is asked for: what compares schemas takes as long to load as the rest of this command line.
  const { schemaDiff } = await import('./schema-diff.ts');
  const { text, faults } = await schemaDiff({
    schema,
    base,
    documents: documents ?? documentsOf(join(dirname(file), 'documents'), name),
    strict,
    nowMs: systemClock.wallMs(),
    json,
  });
  out(`${text}\n`);
  if (faults.length > 0) throw new StartError(faults);
}

/** The variant that is named; without a name, the one that is meant then. */
function variantOf({ variants }: Settings, name: string | undefined): VariantSettings {
  const found = name === undefined ? variants[0] : variants.find((variant) => variant.name === name);
  if (found) return found;
  const names = variants.map((variant) => variant.name).join(', ');
  throw new StartError([`--variant: expected the name of a variant (${names}), got "${name}"`]);
}

/** What a variant that is named shows; without a name, the whole graph. */
function shownBy(settings: Settings, variant: string | undefined): Pick<Settings, 'schema' | 'pages'> {
  return variant === undefined ? settings : variantOf(settings, variant);
}

/** Those of a variant stand in a folder of its name, where there are any. */
function documentsOf(folder: string, variant: string): string {
  const own = join(folder, variant);
  return existsSync(own) ? own : folder;
}

async function printDocuments(
  config: WeirConfig,
  { environment, out }: CommandHost,
  { operands: [source = ''], variant: name, out: file }: Words<Name>,
): Promise<void> {
  const variant = variantOf(assertSettings(config, environment), name);
  out(await storeDocuments({ source, variant, out: file }));
}

async function printToken(
  config: WeirConfig,
  { environment, out }: CommandHost,
  words: Words<Name>,
): Promise<void> {
  out(`${await developmentToken(assertSettings(config, environment), words)}\n`);
}

async function printCost(
  config: WeirConfig,
  { environment, out }: CommandHost,
  { operands: [file = ''], variables, operation, variant, json }: Words<Name>,
): Promise<void> {
  const { schema, pages } = shownBy(assertSettings(config, environment), variant);
  out(await cost({ schema, pages, file, variables, operation, json }));
}

async function printCostDiff(
  config: WeirConfig,
  { environment, out }: CommandHost,
  { operands: [base = ''], documents, variant, json, ...words }: Words<Name>,
): Promise<void> {
  const { schema, pages } = shownBy(assertSettings(config, environment), variant);
  const folder = join(dirname(words.config), 'documents');
  const { text, faults } = await costDiff({
    schema,
    pages,
    base,
    documents: documents ?? (variant === undefined ? folder : documentsOf(folder, variant)),
    maxRise: numberFrom(words['max-rise'], '--max-rise', [0, 1000]),
    ceilingPoints: numberFrom(words.ceiling, '--ceiling', [1, 1e9]),
    json,
  });
  out(`${text}\n`);
  if (faults.length > 0) throw new StartError(faults);
}

async function printAdvice(
  config: WeirConfig,
  { environment, out }: CommandHost,
  { operands: [file = ''], refuse, json }: Words<Name>,
): Promise<void> {
  const { schema } = assertSettings(config, environment);
  out(await advise({ schema, file, refusedShare: numberFrom(refuse, '--refuse', [0, 1]), json }));
}

function numberFrom(text: string, name: string, [min, max]: readonly [min: number, max: number]): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= min && value <= max) return value;
  throw new StartError([`${name}: expected a number from ${min} to ${max}, got "${text}"`]);
}

function optionLines(): string {
  const lines = describeOptions().map((row) =>
    [row.option, row.default && `default ${row.default}`, row.bounds, row.variable, row.description]
      .filter((part) => part !== '')
      .join(' | '),
  );
  return `${lines.join('\n')}\n`;
}
