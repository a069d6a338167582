/** One event of an event stream (HTML, section 9.2.6), or one block of fields without `data`, which is none. */
export interface StreamEvent {
  /** `message` where the stream names none. */
  readonly name: string;
  /** Undefined: the block has no `data`, and no browser dispatches it. */
  readonly data: string | undefined;
  readonly id: string | undefined;
  /** All names of fields in the block. */
  readonly fields: readonly string[];
}

/** What stands in a text: its blocks in order, with the number of comments. What is not ended by an empty line is left out. */
export function eventsFrom(text: string): {
  readonly events: readonly StreamEvent[];
  readonly comments: number;
} {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const events: StreamEvent[] = [];
  let comments = 0;
  let block: [string, string][] = [];
  // The last piece has no end yet.
  for (const line of lines.slice(0, -1)) {
    if (line.startsWith(':')) comments += 1;
    else if (line !== '') block.push(fieldFrom(line));
    else if (block.length > 0) {
      events.push(eventFrom(block));
      block = [];
    }
  }
  return { events, comments };
}

function fieldFrom(line: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon < 0) return [line, ''];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
}

function eventFrom(block: readonly [string, string][]): StreamEvent {
  const valuesOf = (wanted: string) => block.filter(([name]) => name === wanted).map(([, value]) => value);
  const data = valuesOf('data');
  return {
    name: valuesOf('event').at(-1) ?? 'message',
    data: data.length > 0 ? data.join('\n') : undefined,
    id: valuesOf('id').at(-1),
    fields: block.map(([name]) => name),
  };
}

/** JSON, or undefined for what is none. */
export function jsonFrom(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether it is the result of an execution: an object with `data` or `errors`. */
export function isResult(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && ('data' in value || Array.isArray(value['errors']));
}

/** Whether it is an object, and no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
