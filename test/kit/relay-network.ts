import relay, { type FetchFunction, type GraphQLResponse } from 'relay-runtime';

// What a frontend with Relay needs to read answers in parts (docs/incremental.md): to be copied, and changed at will.

type Path = readonly (string | number)[];
type Members = Record<string | number, unknown>;

/** One part of an answer with `incrementalSpec=v0.2`. */
interface Part {
  readonly data?: Members | null;
  readonly errors?: readonly unknown[];
  readonly extensions?: object;
  readonly hasNext?: boolean;
  readonly pending?: readonly { readonly id: string; readonly path: Path; readonly label?: string }[];
  readonly incremental?: readonly {
    readonly id: string;
    readonly subPath?: Path;
    readonly data?: Members;
    readonly items?: readonly unknown[];
    readonly errors?: readonly unknown[];
  }[];
  readonly completed?: readonly { readonly id: string; readonly errors?: readonly unknown[] }[];
}

/** Relay's network function for queries and mutations; persisted operations are named by `documentId` in place of `query`. */
export function createRelayFetch(url: string): FetchFunction {
  return ({ text, id }, variables) =>
    relay.Observable.create((sink) => {
      const leaving = new AbortController();
      const read = async () => {
        const response = await fetch(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'multipart/mixed;incrementalSpec=v0.2, application/json',
          },
          body: JSON.stringify({ ...(text ? { query: text } : { documentId: id }), variables }),
          signal: leaving.signal,
        });
        const responsesOf = createNormaliser();
        for await (const part of partsOf(response)) for (const one of responsesOf(part)) sink.next(one);
        sink.complete();
      };
      read().catch((thrown: Error) => {
        if (!leaving.signal.aborted) sink.error(thrown);
      });
      return () => leaving.abort();
    });
}

const boundary = '\r\n--graphql';

/** Each part as soon as the boundary behind it is there; of an answer that is whole the one that there is. */
async function* partsOf(response: Response): AsyncGenerator<Part> {
  if (!response.headers.get('content-type')?.startsWith('multipart/mixed')) {
    yield await response.json();
    return;
  }
  let rest = '';
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const pieces = (rest + text).split(boundary);
    rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      const bodyAt = piece.indexOf('\r\n\r\n');
      if (bodyAt >= 0) yield JSON.parse(piece.slice(bodyAt));
    }
  }
}

/**
 * Relay wants each `@defer` by its label and path, with all that its fragment asks for, and each item of a `@stream` by
 * itself. A part has only what no part before it had; so the whole answer is put together here, and read out of it.
 */
function createNormaliser(): (part: Part) => readonly GraphQLResponse[] {
  const open = new Map<string, { readonly path: Path; readonly label: string; errors: unknown[] }>();
  let whole: Members | null = null;
  let isFirst = true;

  const later = ({ incremental = [], completed = [] }: Part) => {
    const responses: object[] = [];
    for (const { id, subPath = [], data, items, errors = [] } of incremental) {
      const place = open.get(id);
      if (!place) continue;
      place.errors.push(...errors);
      const target = valueAt(whole, [...place.path, ...subPath]);
      if (data) merge(target as Members, data); // as: an object was announced there
      for (const item of items ?? []) {
        const list = target as unknown[]; // as: a list was announced there
        responses.push({
          label: place.label,
          path: [...place.path, list.length],
          data: structuredClone(item),
        });
        list.push(item);
      }
    }
    for (const { id, errors } of completed) {
      const { path, label, errors: told = [] } = open.get(id) ?? {};
      open.delete(id);
      const value = path && valueAt(whole, path);
      if (errors) responses.push({ label, path, data: null, errors });
      else if (!Array.isArray(value))
        responses.push({
          label,
          path,
          data: structuredClone(value),
          ...(told.length > 0 && { errors: told }),
        });
    }
    return responses;
  };

  return (part) => {
    for (const { id, path, label = '' } of part.pending ?? []) open.set(id, { path, label, errors: [] });
    const { data = null, errors } = part;
    const responses = isFirst ? [{ data: structuredClone(data), ...(errors && { errors }) }] : later(part);
    if (isFirst) whole = data;
    isFirst = false;
    const last = responses.at(-1);
    if (last) Object.assign(last, { extensions: { ...part.extensions, is_final: part.hasNext !== true } });
    return responses as GraphQLResponse[]; // as: Relay's types know neither of labels nor of failed parts
  };
}

function valueAt(whole: unknown, path: Path): unknown {
  return path.reduce((at, key) => (at as Members)[key], whole); // as: the server names no place before it is there
}

function merge(target: Members, members: Members): void {
  for (const [key, value] of Object.entries(members)) {
    const known = target[key];
    if (isObject(known) && isObject(value)) merge(known, value);
    else target[key] = value;
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}
