#!/usr/bin/env node
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { parseConfig, processEnvironment, type WeirConfig } from '../config.ts';
import { createGateway, StartError } from '../gateway.ts';

const usage = `weir COMMAND [--config FILE]

  start    serve the graph of FILE until SIGINT or SIGTERM
  check    say what is wrong with FILE; exit 1 if anything is
  schema   print the schema of FILE in GraphQL's definition language

FILE is weir.config.ts in this folder by default.`;

const commands: Readonly<Record<string, (config: WeirConfig) => Promise<number>>> = {
  start,
  check: async (config) => check(config),
  schema: async ({ schema }) => print(`${printSchema(lexicographicSortSchema(schema))}\n`),
};

process.exitCode = await main(process.argv.slice(2));

async function main(words: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { config: { type: 'string', default: 'weir.config.ts' }, help: { type: 'boolean' } },
    });
    const command = commands[positionals[0] ?? ''];
    if (values.help || !command) return print(`${usage}\n`, values.help ? 0 : 2);
    return await command(await loadConfig(values.config));
  } catch (thrown) {
    if (!(thrown instanceof StartError) && !isUsageError(thrown)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return 1;
  }
}

async function loadConfig(file: string): Promise<WeirConfig> {
  const module: { default?: WeirConfig } = await import(pathToFileURL(resolve(file)).href);
  if (module.default) return module.default;
  throw new StartError([
    `${file}: expected a default export, as in \`export default defineConfig({ … })\`, got none`,
  ]);
}

/** Serves until a signal; a second one ends the process at once. */
async function start(config: WeirConfig): Promise<number> {
  const gateway = createGateway(config, { environment: processEnvironment() });
  const { url } = await gateway.start();
  process.stdout.write(`gateway ready on ${url}\n`);
  await stopSignal();
  await gateway.close();
  return 0;
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve();
        process.once(signal, () => process.exit(1));
      });
    }
  });
}

function check(config: WeirConfig): number {
  const parsed = parseConfig(config, processEnvironment());
  return parsed.ok ? print('The configuration is valid.\n') : print(`${parsed.faults.join('\n')}\n`, 1);
}

function print(text: string, exitCode = 0): number {
  (exitCode === 0 ? process.stdout : process.stderr).write(text);
  return exitCode;
}

/** What node:util parseArgs throws for words that it does not know. */
function isUsageError(thrown: unknown): thrown is Error {
  return thrown instanceof TypeError && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS');
}
