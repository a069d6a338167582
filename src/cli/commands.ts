import { parseArgs } from 'node:util';
import { GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { type Environment, parseConfig, type Settings, type WeirConfig } from '../config.ts';
import { createGateway, StartError } from '../gateway.ts';
import { advise } from './advise.ts';
import { describeOptions } from './describe-options.ts';
import { developmentToken } from './development-token.ts';
import { loadConfig } from './load-config.ts';

/** The process that a command runs in. */
export interface CommandHost {
  readonly environment: Environment;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Resolves when the command is to stop; called once, when there is something to stop. */
  readonly stopped: () => Promise<void>;
}

const usage = `weir COMMAND [--config FILE]

  start           serve the graph of FILE until SIGINT or SIGTERM
  check           say what is wrong with FILE; with --options, list the options that there are instead
  schema          print the schema of FILE in GraphQL's definition language
  token           print a token for development: --sub user-1 [--scope "a:read b:write"] [--ttl 1h] [--tenant NAME]
  advise TRAFFIC  propose limits from a record of traffic: [--refuse 0.001] [--json FILE]

FILE is weir.config.ts in this folder by default. Exit codes: 0 done, 1 refused, 2 not understood.
`;

interface Command {
  /** Names of the words behind it. */
  readonly operands: readonly string[];
  readonly run: (config: WeirConfig, host: CommandHost, words: Words) => Promise<void> | void;
}

const commands = {
  start: { operands: [], run: start },
  check: { operands: [], run: check },
  schema: { operands: [], run: printGraph },
  token: { operands: [], run: printToken },
  advise: { operands: ['TRAFFIC'], run: printAdvice },
} as const satisfies Readonly<Record<string, Command>>;

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
    else await commands[parsed.command].run(await loadConfig(parsed.config), host, parsed);
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof StartError)) throw thrown;
    host.err(`${thrown.message}\n`);
    return 1;
  }
}

interface Words {
  readonly command: keyof typeof commands;
  readonly operands: readonly string[];
  readonly config: string;
  readonly help: boolean;
  readonly options: boolean;
  readonly sub?: string | undefined;
  readonly scope?: string | undefined;
  readonly tenant?: string | undefined;
  readonly ttl: string;
  readonly refuse: string;
  readonly json?: string | undefined;
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
        refuse: { type: 'string', default: '0.001' },
        json: text,
      },
    });
    const [command = '', ...operands] = positionals;
    if (values.help) return { ...values, command: 'check', operands };
    if (isCommand(command)) {
      const expected: readonly string[] = commands[command].operands;
      if (operands.length === expected.length) return { ...values, command, operands };
      if (expected.length > 0)
        return `Expected "${[command, ...expected].join(' ')}", got "${positionals.join(' ')}".`;
    }
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
  assertSettings(config, environment);
  out('The configuration is valid.\n');
}

function assertSettings(config: WeirConfig, environment: Environment): Settings {
  const parsed = parseConfig(config, environment);
  if (!parsed.ok) throw new StartError(parsed.faults);
  return parsed.settings;
}

function printGraph({ schema }: WeirConfig, { out }: CommandHost): void {
  if (!(schema instanceof GraphQLSchema)) throw new StartError(['schema: expected a GraphQLSchema']);
  out(`${printSchema(lexicographicSortSchema(schema))}\n`);
}

async function printToken(
  config: WeirConfig,
  { environment, out }: CommandHost,
  words: Words,
): Promise<void> {
  out(`${await developmentToken(assertSettings(config, environment), words)}\n`);
}

async function printAdvice(
  config: WeirConfig,
  { environment, out }: CommandHost,
  { operands: [file = ''], refuse, json }: Words,
): Promise<void> {
  const { schema } = assertSettings(config, environment);
  const refusedShare = Number(refuse);
  if (!(refusedShare >= 0 && refusedShare <= 1))
    throw new StartError([`advise: expected --refuse from 0 to 1, such as 0.001, got "${refuse}"`]);
  out(await advise({ schema, file, refusedShare, json }));
}

function optionLines(): string {
  const lines = describeOptions().map((row) =>
    [row.option, row.default && `default ${row.default}`, row.bounds, row.variable, row.description]
      .filter((part) => part !== '')
      .join(' | '),
  );
  return `${lines.join('\n')}\n`;
}
