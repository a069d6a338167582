import { parseArgs } from 'node:util';

/** How the command line is used. */
export const usage = `weir COMMAND [--config FILE]

  start           serve the graph of FILE until SIGINT or SIGTERM
  check           say what is wrong with FILE; with --options, list the options that there are instead
  schema          print the schema of FILE with its prices, in GraphQL's definition language: the whole graph, or
                  what a variant shows of it: [--variant NAME]
  schema diff BASE  say what changed since the schema in BASE, a file or REF:path of git, and fail when a stored document
                  notices: [--variant NAME] [--documents documents] [--strict] [--json FILE]
  documents SOURCE  check the documents of SOURCE, a folder or a manifest, and print their ids; with --out, write a manifest of
                  them: [--variant NAME] [--out FILE]
  token           print a token for development: --sub user-1 [--scope "a:read b:write"] [--ttl 1h] [--tenant NAME]
  revoke          refuse the tokens that a user, tenant or client has so far, and end their connections, at every instance of a
                  gateway that runs: [--subject user-1] [--tenant NAME] [--client NAME] [--admin http://127.0.0.1:4001]
  cost DOCUMENT   price an operation before it runs: [--variant NAME] [--variables FILE] [--operation NAME] [--json FILE]
  cost diff BASE  compare what stored documents cost with the schema in BASE, and fail when one is dearer:
                  [--variant NAME] [--documents documents] [--max-rise 0] [--ceiling 1000] [--json FILE]
  advise TRAFFIC  propose limits from a record of traffic: [--refuse 0.001] [--json FILE]

FILE is weir.config.ts in this folder by default. Exit codes: 0 done, 1 refused, 2 not understood.
`;

const flag = { type: 'boolean', default: false } as const;
const text = { type: 'string' } as const;

const options = {
  config: { type: 'string', default: 'weir.config.ts' },
  help: flag,
  options: flag,
  sub: text,
  scope: text,
  tenant: text,
  subject: text,
  client: text,
  admin: { type: 'string', default: 'http://127.0.0.1:4001' },
  ttl: { type: 'string', default: '1h' },
  refuse: { type: 'string', default: '0.001' },
  variables: text,
  operation: text,
  documents: text,
  'max-rise': { type: 'string', default: '0' },
  ceiling: { type: 'string', default: '1000' },
  json: text,
  out: text,
  variant: text,
  strict: flag,
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

/** A command line as it was understood. */
export interface Words<Command extends string> extends Readonly<Values> {
  readonly command: Command;
  readonly operands: readonly string[];
}

/** Names of the words behind each command. */
export type Operands<Command extends string> = Readonly<Record<Command, readonly string[]>>;

/** What was meant, or the sentence that says what was not understood. A command may be two words; the longest counts. */
export function parseWords<Command extends string>(
  words: readonly string[],
  known: Operands<Command>,
): Words<Command> | { readonly help: true } | string {
  try {
    const { values, positionals } = parseArgs({ args: [...words], allowPositionals: true, options });
    if (values.help) return { help: true };
    const got = positionals.join(' ');
    for (const count of [2, 1]) {
      const command = positionals.slice(0, count).join(' ');
      if (positionals.length < count || !isCommand(command, known)) continue;
      const operands = positionals.slice(count);
      const expected = known[command];
      if (operands.length === expected.length) return { ...values, command, operands };
      if (expected.length > 0) return `Expected "${[command, ...expected].join(' ')}", got "${got}".`;
    }
    return `Expected one command (${Object.keys(known).join(', ')}), got "${got}".`;
  } catch (thrown) {
    if (isUsageError(thrown)) return thrown.message;
    throw thrown;
  }
}

function isCommand<Command extends string>(word: string, known: Operands<Command>): word is Command {
  return Object.hasOwn(known, word);
}

/** What node:util parseArgs throws for words that it does not know. */
function isUsageError(thrown: unknown): thrown is Error {
  return thrown instanceof TypeError && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS');
}
