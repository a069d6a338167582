import { parseArgs } from 'node:util';
import { type AuditTarget, type Transport, transports } from './audit.ts';
import { createEmitter } from './emitter.ts';
import { documentFrom, headerFrom, initFrom, urlFrom } from './option-readers.ts';

export const usage = `npm run audit -- URL --subscription DOCUMENT [--publish DOCUMENT] [options]

  --subscription DOCUMENT   a subscription of one field whose events are audited
  --publish DOCUMENT        a mutation that makes it emit one event; without it events must come by themselves
  --header 'NAME: VALUE'    sent with every request and handshake; may be repeated
  --init JSON               payload of connection_init
  --single URL              of the single connection mode of event streams (URL/stream)
  --transports LIST         those that the server has to have, of ${transports.join(',')} (those that it has)
  --patience SECONDS        how long to wait for what comes after silence (0: leave such audits out); 40 suits most servers
  --timeout SECONDS         how long anything else may take (5)
  --json FILE               write the results there
`;

/** What the command line asks for. */
export interface AuditCommand {
  readonly target: AuditTarget;
  readonly required: readonly Transport[] | undefined;
  readonly jsonFile: string | undefined;
}

const longestSeconds = 600;

/** Reads the command line; a fault says what was expected and what came. */
export function readCommandLine(
  words: readonly string[],
): AuditCommand | { readonly fault: string } | { readonly help: true } {
  try {
    const { values, positionals } = readWords(words);
    if (values.help) return { help: true };
    return commandFrom(values, positionals);
  } catch (thrown) {
    return { fault: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

function readWords(words: readonly string[]) {
  return parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      subscription: { type: 'string' },
      publish: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] },
      init: { type: 'string' },
      single: { type: 'string' },
      transports: { type: 'string' },
      patience: { type: 'string', default: '0' },
      timeout: { type: 'string', default: '5' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

type Values = ReturnType<typeof readWords>['values'];

function commandFrom(values: Values, positionals: readonly string[]): AuditCommand {
  const [given, ...others] = positionals;
  if (given === undefined || others.length > 0)
    throw new Error(`Expected the address of one server, got ${positionals.length}.`);
  const url = urlFrom('The address', given);
  const subscription = documentFrom('--subscription', values.subscription, 'subscription');
  const mutation =
    values.publish === undefined ? undefined : documentFrom('--publish', values.publish, 'mutation');
  const headers = Object.fromEntries(values.header.map(headerFrom));
  const timeoutMs = secondsFrom('--timeout', values.timeout, 0.1) * 1000;
  return {
    target: {
      url,
      singleUrl: values.single === undefined ? streamOf(url) : urlFrom('--single', values.single),
      subscription,
      headers,
      init: values.init === undefined ? undefined : initFrom(values.init),
      emitter: createEmitter({ url, mutation, headers, timeoutMs }),
      timeoutMs,
      patienceMs: secondsFrom('--patience', values.patience, 0) * 1000,
    },
    required: values.transports === undefined ? undefined : transportsFrom(values.transports),
    jsonFile: values.json,
  };
}

function streamOf(url: URL): URL {
  const stream = new URL(url);
  stream.pathname = `${stream.pathname.replace(/\/$/, '')}/stream`;
  return stream;
}

function secondsFrom(option: string, text: string, least: number): number {
  const seconds = text.trim() === '' ? Number.NaN : Number(text);
  if (seconds >= least && seconds <= longestSeconds) return seconds;
  throw new Error(`${option}: expected ${least} to ${longestSeconds} seconds, got ${text}`);
}

function transportsFrom(text: string): readonly Transport[] {
  const names = text.split(',');
  const known = transports.filter((transport) => names.includes(transport));
  if (known.length === names.length) return known;
  throw new Error(`--transports: expected a list of ${transports.join(', ')}, got ${text}`);
}
