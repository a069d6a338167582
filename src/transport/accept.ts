import { weightFrom } from './weight.ts';

/** How much a client wants each form of our answers: the weight of RFC 9110 section 12.4.2, 0 for not at all. */
export interface Accepted {
  /** The more wanted of the two below. */
  readonly json: number;
  /** `application/graphql-response+json`, by its name only: a wildcard is answered in plain JSON. */
  readonly graphqlJson: number;
  /** `application/json`, or a wildcard that it fits. */
  readonly plainJson: number;
  /** `text/event-stream`, by its name only: a wildcard asks for one answer, not for a stream. */
  readonly eventStream: number;
  /** `multipart/mixed` of Apollo's subscriptions, told by the parameter `subscriptionSpec=1.0`. */
  readonly multipart: number;
  /** `multipart/mixed` of answers in parts; undefined where it is not wanted, or JSON is wanted more. */
  readonly parts: PartsFormat | undefined;
}

/**
 * How an answer in parts is written: `v0.2` (Apollo's `incrementalSpec`; graphql-js 17: parts are announced, and named by
 * ids) or `20220824` (Apollo's `deferSpec`; the proposal of that day: parts tell where they belong).
 */
export type PartsFormat = 'v0.2' | '20220824';

/** One media range of `Accept`, in lower case. */
interface MediaRange {
  readonly type: string;
  /** By name, as they are but for quotes. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly weight: number;
}

const graphqlType = 'application/graphql-response+json';

/** Most ranges of one header that are looked at: browsers send ten, and no client of GraphQL more. */
const maxRanges = 32;

/** Element of a list: what stands between commas that are not in quotes (RFC 9110 section 5.6.1). Linear. */
const elementPattern = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
/** The same between semicolons (RFC 9110 section 5.6.6). */
const partPattern = /(?:[^;"]|"(?:[^"\\]|\\.)*"?)+/g;
const nothing: Accepted = {
  json: 1,
  graphqlJson: 0,
  plainJson: 1,
  eventStream: 0,
  multipart: 0,
  parts: undefined,
};

/** By which parameter a client names what it reads; of formats that are wanted alike, the first. */
const partsParameters = [
  ['v0.2', 'incrementalspec'],
  ['20220824', 'deferspec'],
] as const satisfies readonly (readonly [PartsFormat, string])[];

/** What clients read that name none: urql takes both, but items of a list in this one only; GraphiQL likewise. */
const unnamedParts: PartsFormat = '20220824';

/** Parameters of `multipart/mixed` that name what its parts are. */
const partsNames: readonly string[] = ['subscriptionspec', ...partsParameters.map(([, name]) => name)];

/** What the header `Accept` says of the forms that we have; without one, JSON (RFC 9110 section 12.5.1). */
export function acceptedFrom(accept: string | undefined): Accepted {
  if (accept === undefined || accept.trim() === '') return nothing;
  const ranges = (accept.match(elementPattern) ?? []).slice(0, maxRanges).map(rangeFrom);
  const isMultipart = ({ type, parameters }: MediaRange) =>
    type === 'multipart/mixed' && parameters.get('subscriptionspec') === '1.0';
  const plainJson = weightOf('application/json', ranges);
  const isNamed = ranges.some(({ type }) => type === graphqlType);
  const json = Math.max(weightOf(graphqlType, ranges), plainJson);
  return {
    json,
    graphqlJson: isNamed ? weightOf(graphqlType, ranges) : 0,
    plainJson,
    eventStream: heaviest(ranges.filter(({ type }) => type === 'text/event-stream')) ?? 0,
    multipart: heaviest(ranges.filter(isMultipart)) ?? 0,
    parts: partsFrom(ranges, json),
  };
}

/** A refusal comes in JSON, so who does not read that gets no parts either. */
function partsFrom(ranges: readonly MediaRange[], json: number): PartsFormat | undefined {
  let wanted: PartsFormat | undefined;
  let most = 0;
  for (const [format, name] of partsParameters) {
    const fitting = ranges.filter(({ type, parameters }) => {
      if (type !== 'multipart/mixed') return false;
      if (parameters.has(name)) return parameters.get(name) === format;
      return format === unnamedParts && !partsNames.some((other) => parameters.has(other));
    });
    const weight = heaviest(fitting) ?? 0;
    if (weight > most) wanted = format;
    most = Math.max(most, weight);
  }
  return json > 0 && most >= json ? wanted : undefined;
}

/** The weight of the most specific range that fits a type. */
function weightOf(type: string, ranges: readonly MediaRange[]): number {
  const readable = ranges.filter(({ parameters }) => isUtf8(parameters.get('charset')));
  const levels = [type, `${type.split('/', 1)[0]}/*`, '*/*'];
  for (const level of levels) {
    const weight = heaviest(readable.filter((range) => range.type === level));
    if (weight !== undefined) return weight;
  }
  return 0;
}

function heaviest(ranges: readonly MediaRange[]): number | undefined {
  return ranges.length === 0 ? undefined : Math.max(...ranges.map(({ weight }) => weight));
}

function isUtf8(charset: string | undefined): boolean {
  return charset === undefined || charset.toLowerCase() === 'utf-8';
}

function rangeFrom(element: string): MediaRange {
  const [type = '', ...parts] = element.match(partPattern) ?? [];
  const parameters = new Map(parts.map(parameterFrom));
  const weight = parameters.get('q') ?? '1';
  return {
    type: type.trim().toLowerCase(),
    parameters,
    weight: weightFrom(weight),
  };
}

function parameterFrom(part: string): [string, string] {
  const [name = '', ...rest] = part.split('=');
  const value = rest.join('=').trim();
  const text = value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value;
  return [name.trim().toLowerCase(), text];
}
