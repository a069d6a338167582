import { type DocumentNode, parse } from 'graphql';

/** An address of http or https. */
export function urlFrom(what: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new Error(`${what}: expected an address of http or https, got ${text}`);
}

/** The text of a document that has one operation, of the wanted kind. */
export function documentFrom(
  option: string,
  text: string | undefined,
  wanted: 'subscription' | 'mutation',
): string {
  if (text === undefined) throw new Error(`${option}: expected a document, got none`);
  const { definitions } = parseDocument(option, text);
  const operations = definitions.flatMap((one) =>
    one.kind === 'OperationDefinition' ? [one.operation] : [],
  );
  if (operations.length === 1 && operations[0] === wanted) return text;
  throw new Error(`${option}: expected one ${wanted}, got ${operations.join(', ') || 'no operation'}`);
}

function parseDocument(option: string, text: string): DocumentNode {
  try {
    return parse(text);
  } catch (thrown) {
    throw new Error(`${option}: ${thrown instanceof Error ? thrown.message : thrown}`);
  }
}

/** A header from `NAME: VALUE`, its name in lower case. */
export function headerFrom(text: string): [string, string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name.toLowerCase(), value];
  throw new Error(`--header: expected 'NAME: VALUE', got ${text}`);
}

/** The payload of `connection_init` from JSON. */
export function initFrom(text: string): Readonly<Record<string, unknown>> {
  const fault = `--init: expected an object in JSON, got ${text}`;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    throw new Error(fault);
  }
  throw new Error(fault);
}
