import { type DocumentNode, parse, print, type VariableDefinitionNode } from 'graphql';
import type { NumberedServer } from '../../test/kit/ledger/remote-ledger.ts';
import {
  documentFrom,
  headerFrom,
  initFrom,
  urlFrom,
} from '../../test/kit/streaming-audit/option-readers.ts';

/** What the command line says of a server that is there already. */
export interface ServerWords {
  readonly url?: string | undefined;
  readonly subscription?: string | undefined;
  readonly publish?: string | undefined;
  readonly number?: string | undefined;
  readonly header: readonly string[];
  readonly init?: string | undefined;
  readonly transports?: string | undefined;
}

/** By which transports clients read. */
export type ReaderTransport = 'ws' | 'sse';

/** A server whose events are numbered, and what clients read it by. */
export interface NumberedTarget {
  readonly server: NumberedServer;
  readonly transports: readonly ReaderTransport[];
}

const transports = ['ws', 'sse'] as const satisfies readonly ReaderTransport[];
/** Types of a variable that take a number as text. */
const textTypes: ReadonlySet<string> = new Set(['String', 'ID']);
const namePattern = /^[_A-Za-z]\w*$/;

/** Undefined where no server is named; throws with what was expected and what came. */
export function numberedTargetFrom(words: ServerWords): NumberedTarget | undefined {
  const { url: address, ...others } = words;
  if (address === undefined) {
    const given = Object.entries(others).find(([, value]) => value !== undefined && value.length > 0);
    if (given) throw new Error(`--${given[0]}: expected --url too`);
    return undefined;
  }
  const url = urlFrom('--url', address);
  // A certificate is good for the server's name, not for that of the proxy which breaks the connections.
  if (url.protocol !== 'http:') throw new Error(`--url: expected plain http, got ${address}`);
  const publish = documentFrom('--publish', words.publish, 'mutation');
  return {
    server: {
      url,
      subscription: documentFrom('--subscription', words.subscription, 'subscription'),
      publish,
      numberAs: numberAs(parse(publish)),
      numberPath: pathFrom(words.number),
      headers: Object.fromEntries(words.header.map(headerFrom)),
      init: words.init === undefined ? undefined : initFrom(words.init),
    },
    transports: words.transports === undefined ? transports : transportsFrom(words.transports),
  };
}

/** How the variable `$number` takes a number: as one, or as text. */
function numberAs({ definitions }: DocumentNode): NumberedServer['numberAs'] {
  const variables = definitions.flatMap((one) =>
    one.kind === 'OperationDefinition' ? (one.variableDefinitions ?? []) : [],
  );
  const found = variables.find(({ variable }: VariableDefinitionNode) => variable.name.value === 'number');
  if (!found) throw new Error('--publish: expected a variable $number, which numbers the event');
  return textTypes.has(print(found.type).replace('!', '')) ? String : (number) => number;
}

function pathFrom(text: string | undefined): readonly string[] {
  const path = text?.split('.') ?? [];
  if (path.length > 0 && path.every((name) => namePattern.test(name))) return path;
  throw new Error(
    `--number: expected names of fields in the data of an event, as in a.b, got ${text ?? 'none'}`,
  );
}

function transportsFrom(text: string): readonly ReaderTransport[] {
  const names = text.split(',');
  const known = transports.filter((transport) => names.includes(transport));
  if (known.length === names.length) return known;
  throw new Error(`--transports: expected a list of ${transports.join(', ')}, got ${text}`);
}
