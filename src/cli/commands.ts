import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect, parseArgs } from 'node:util';
import { GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { systemClock } from '../clock.ts';
import { type Environment, type IdentityConfig, parseConfig, type WeirConfig } from '../config.ts';
import { WeirError } from '../errors.ts';
import { createGateway, StartError } from '../gateway.ts';
import { createDevelopmentKeys, signDevelopmentToken } from '../identity/development-keys.ts';
import { createTokenVerifier } from '../identity/token.ts';
import { withTokenDefaults } from '../identity/token-options.ts';
import { describeOptions } from './describe-options.ts';

/** The process that a command runs in. */
export interface CommandHost {
  readonly environment: Environment;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Resolves when the command is to stop; called once, when there is something to stop. */
  readonly stopped: () => Promise<void>;
}

const usage = `weir COMMAND [--config FILE]

  start    serve the graph of FILE until SIGINT or SIGTERM
  check    say what is wrong with FILE; with --options, list the options that there are instead
  schema   print the schema of FILE in GraphQL's definition language
  token    print a token for development: --sub user-1 [--scope "a:read b:write"] [--ttl 1h] [--tenant NAME]

FILE is weir.config.ts in this folder by default. Exit codes: 0 done, 1 refused, 2 not understood.
`;

const commands = { start, check, schema: printGraph, token: printToken } as const satisfies Readonly<
  Record<string, (config: WeirConfig, host: CommandHost, words: Words) => Promise<void> | void>
>;

/** Runs the command that `words` (arguments of the command line) name; resolves with the process's exit code. */
export async function runCommand(words: readonly string[], host: CommandHost): Promise<number> {
  const parsed = parseWords(words);
  if (typeof parsed === 'string') {
    host.err(`${parsed}\n\n${usage}`);
    return 2;
  }
  try {
    if (parsed.help) host.out(usage);
    else if (parsed.options) host.out(optionLines());
    else await commands[parsed.command](await loadConfig(parsed.config), host, parsed);
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof StartError)) throw thrown;
    host.err(`${thrown.message}\n`);
    return 1;
  }
}

interface Words {
  readonly command: keyof typeof commands;
  readonly config: string;
  readonly help: boolean;
  readonly options: boolean;
  readonly sub?: string | undefined;
  readonly scope?: string | undefined;
  readonly tenant?: string | undefined;
  readonly ttl: string;
}

/** What was meant, or the sentence that says what was not understood. */
function parseWords(words: readonly string[]): Words | string {
  const flag = { type: 'boolean', default: false } as const;
  const text = { type: 'string' } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        config: { type: 'string', default: 'weir.config.ts' },
        help: flag,
        options: flag,
        sub: text,
        scope: text,
        tenant: text,
        ttl: { type: 'string', default: '1h' },
      },
    });
    const [command = '', ...rest] = positionals;
    if (values.help) return { ...values, command: 'check' };
    if (isCommand(command) && rest.length === 0) return { ...values, command };
    return `Expected one command (${Object.keys(commands).join(', ')}), got "${positionals.join(' ')}".`;
  } catch (thrown) {
    if (isUsageError(thrown)) return thrown.message;
    throw thrown;
  }
}

function isCommand(word: string): word is keyof typeof commands {
  return Object.hasOwn(commands, word);
}

/** What node:util parseArgs throws for words that it does not know. */
function isUsageError(thrown: unknown): thrown is Error {
  return thrown instanceof TypeError && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS');
}

async function loadConfig(file: string): Promise<WeirConfig> {
  const path = resolve(file);
  if (!existsSync(path)) throw new StartError([`${file}: there is no such file; name another with --config`]);
  let module: { readonly default?: WeirConfig };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (cause) {
    // With its stack, for the fault is in the file or in what it imports.
    throw new StartError([`${file}: cannot be loaded: ${inspect(cause)}`], { cause });
  }
  if (module.default) return module.default;
  throw new StartError([
    `${file}: expected a default export, as in \`export default defineConfig({ … })\`, got none`,
  ]);
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

function check(config: WeirConfig, { environment, out }: CommandHost): void {
  const parsed = parseConfig(config, environment);
  if (!parsed.ok) throw new StartError(parsed.faults);
  out('The configuration is valid.\n');
}

function printGraph({ schema }: WeirConfig, { out }: CommandHost): void {
  if (!(schema instanceof GraphQLSchema)) throw new StartError(['schema: expected a GraphQLSchema']);
  out(`${printSchema(lexicographicSortSchema(schema))}\n`);
}

/** A token that the development key signs, for who would rather not run an issuer. */
async function printToken(
  config: WeirConfig,
  { environment, out }: CommandHost,
  words: Words,
): Promise<void> {
  const parsed = parseConfig(config, environment);
  if (!parsed.ok) throw new StartError(parsed.faults);
  const { identity } = parsed.settings;
  if (identity?.keys.kind !== 'development')
    throw new StartError([
      'token: expected identity.keys of the kind "development", which is not for production',
    ]);
  out(`${await tokenFor(identity, words)}\n`);
}

/** Throws {@link StartError} for one that the gateway would refuse. */
async function tokenFor(identity: IdentityConfig, { sub, scope, tenant, ttl }: Words): Promise<string> {
  if (!sub) throw new StartError(['token: expected --sub with the id of a user, such as --sub user-1']);
  const { issuer, audience, type, tenantClaim, maxLifetimeMs } = withTokenDefaults(identity);
  const token = await signDevelopmentToken(
    {
      sub,
      issuer,
      audience: [audience].flat()[0] ?? '',
      type,
      ttlSeconds: secondsFrom(ttl, maxLifetimeMs / 1000),
      ...(scope && { scope }),
      ...(tenant && { claims: { [tenantClaim]: tenant } }),
    },
    systemClock,
  );
  const keys = createDevelopmentKeys();
  try {
    await createTokenVerifier(identity, { clock: systemClock, keys }).verify(token);
  } catch (thrown) {
    const { message } = WeirError.from(thrown);
    throw new StartError([`token: the gateway would refuse this one: ${message}`], { cause: thrown });
  } finally {
    keys.close();
  }
  return token;
}

const secondsByUnit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

function secondsFrom(ttl: string, maxSeconds: number): number {
  const [, count, unit = ''] = /^(\d{1,5})([smh])$/.exec(ttl) ?? [];
  const seconds = Number(count) * (secondsByUnit[unit] ?? 0);
  if (seconds >= 1 && seconds <= maxSeconds) return seconds;
  throw new StartError([
    `token: expected --ttl from 1s to ${maxSeconds}s (identity.maxLifetimeMs), such as 30s, 15m or 1h, got "${ttl}"`,
  ]);
}

function optionLines(): string {
  const lines = describeOptions().map((row) =>
    [row.option, row.default && `default ${row.default}`, row.bounds, row.variable, row.description]
      .filter((part) => part !== '')
      .join(' | '),
  );
  return `${lines.join('\n')}\n`;
}
