import {
  BadRequest,
  ErrorInfo,
  Help,
  LocalizedMessage,
  PreconditionFailure,
  QuotaFailure,
  ResourceInfo,
  RetryInfo,
} from 'nice-grpc-error-details';
import { Status } from 'nice-grpc-error-details/lib/proto/google/rpc/status.js';

/** What is wrong with one part of a request. */
export interface FieldViolation {
  /** From the request message down: `parts[2].item_id` is `['parts', 2, 'itemId']`. */
  readonly path: InputPath;
  readonly description: string;
}

/** Names of members in camel case, and indexes from 0. */
export type InputPath = readonly (string | number)[];

/** What of `google.rpc.Status` details a client may see. Every member is bounded and JSON-safe. */
export type PublicDetails = {
  /** ErrorInfo: a constant such as `OUT_OF_STOCK`, at most 63 characters. */
  readonly reason?: string;
  readonly domain?: string;
  /** ErrorInfo's metadata, the allow-listed keys alone. */
  readonly errorMetadata?: Readonly<Record<string, string>>;
  readonly fieldViolations?: readonly FieldViolation[];
  /** PreconditionFailure: the types alone. */
  readonly preconditions?: readonly string[];
  /** QuotaFailure: the class of each subject (`project` of `project:123`), never the subject. */
  readonly quotaSubjects?: readonly string[];
  readonly retryAfterMs?: number;
  readonly resourceType?: string;
  readonly resourceName?: string;
  /** The only upstream prose meant for a user. */
  readonly localizedMessage?: { readonly locale: string; readonly message: string };
  readonly links?: readonly { readonly description: string; readonly url: string }[];
};

/** Allow-lists for details; everything is closed by default. */
export interface DetailsPolicy {
  /** Keys of ErrorInfo's metadata that may be shown. */
  readonly errorMetadataKeys: readonly string[];
  /** Hosts that a Help link may lead to, over https. */
  readonly helpHosts: readonly string[];
  /** Whether ResourceInfo's name (an upstream id) may be shown. */
  readonly resourceNames: boolean;
}

/** The closed policy. */
export const closedDetailsPolicy: DetailsPolicy = {
  errorMetadataKeys: [],
  helpHosts: [],
  resourceNames: false,
};

const maxBytes = 8_192;
const maxEntries = 16;
const maxListLength = 16;
const maxTextLength = 512;
const maxRetryAfterMs = 3_600_000;

type Decoder = (value: Uint8Array, policy: DetailsPolicy) => PublicDetails;

/**
 * The details of a `grpc-status-details-bin` trailer that a client may see (google.rpc.Status, AIP-193). Nothing when it
 * is larger than 8 KiB, garbage, or speaks of another code than `grpcCode`; entries past 16, types not listed
 * (DebugInfo and RequestInfo among them) and members that break their own format are dropped. Never throws.
 */
export function decodeDetails(bytes: Uint8Array, grpcCode: number, policy: DetailsPolicy): PublicDetails {
  if (bytes.length > maxBytes) return {};
  const status = decodedOrUndefined(() => Status.decode(bytes));
  if (status === undefined || status.code !== grpcCode) return {};
  const parts = status.details.slice(0, maxEntries).map(({ typeUrl, value }) => {
    const decoder = decoders.get(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
    return decodedOrUndefined(() => decoder?.(value, policy)) ?? {};
  });
  return Object.assign({}, ...parts);
}

const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['google.rpc.ErrorInfo', errorInfoFrom],
  ['google.rpc.BadRequest', badRequestFrom],
  ['google.rpc.PreconditionFailure', preconditionFrom],
  ['google.rpc.QuotaFailure', quotaFrom],
  ['google.rpc.RetryInfo', retryInfoFrom],
  ['google.rpc.ResourceInfo', resourceInfoFrom],
  ['google.rpc.LocalizedMessage', localizedFrom],
  ['google.rpc.Help', helpFrom],
]);

function errorInfoFrom(bytes: Uint8Array, policy: DetailsPolicy): PublicDetails {
  const { reason, domain, metadata } = ErrorInfo.decode(bytes);
  const shown = policy.errorMetadataKeys
    .filter((key) => Object.hasOwn(metadata, key))
    .map((key) => [key, proseFrom(metadata[key] ?? '')] as const);
  return {
    ...(constantPattern.test(reason) && { reason }),
    ...(domainPattern.test(domain) && { domain }),
    ...(shown.length > 0 && { errorMetadata: Object.fromEntries(shown) }),
  };
}

function badRequestFrom(bytes: Uint8Array): PublicDetails {
  const fieldViolations = BadRequest.decode(bytes)
    .fieldViolations.filter(({ field }) => fieldPattern.test(field))
    .slice(0, maxListLength)
    .map(({ field, description }) => ({ path: pathFrom(field), description: proseFrom(description) }));
  return fieldViolations.length > 0 ? { fieldViolations } : {};
}

/** AIP-193: a field is named by dots and indexes, as in JSON path. */
function pathFrom(field: string): InputPath {
  const parts = field.match(/[A-Za-z_]\w*|\d+/g) ?? [];
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : camelCase(part)));
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function preconditionFrom(bytes: Uint8Array): PublicDetails {
  const types = PreconditionFailure.decode(bytes).violations.map(({ type }) => type);
  const preconditions = distinct(types.filter((type) => constantPattern.test(type)));
  return preconditions.length > 0 ? { preconditions } : {};
}

function quotaFrom(bytes: Uint8Array): PublicDetails {
  const classes = QuotaFailure.decode(bytes).violations.map(
    ({ subject }) => subjectClassPattern.exec(subject)?.[1],
  );
  const quotaSubjects = distinct(classes.filter((subject) => subject !== undefined));
  return quotaSubjects.length > 0 ? { quotaSubjects } : {};
}

function retryInfoFrom(bytes: Uint8Array): PublicDetails {
  const delay = RetryInfo.decode(bytes).retryDelay;
  if (delay === undefined) return {};
  const delayMs = Math.ceil(delay.seconds * 1_000 + delay.nanos / 1_000_000);
  return delayMs >= 0 ? { retryAfterMs: Math.min(delayMs, maxRetryAfterMs) } : {};
}

function resourceInfoFrom(bytes: Uint8Array, policy: DetailsPolicy): PublicDetails {
  const { resourceType, resourceName } = ResourceInfo.decode(bytes);
  return {
    ...(namePattern.test(resourceType) && { resourceType }),
    ...(policy.resourceNames && namePattern.test(resourceName) && { resourceName }),
  };
}

function localizedFrom(bytes: Uint8Array): PublicDetails {
  const { locale, message } = LocalizedMessage.decode(bytes);
  if (!localePattern.test(locale) || message === '') return {};
  return { localizedMessage: { locale, message: proseFrom(message) } };
}

function helpFrom(bytes: Uint8Array, policy: DetailsPolicy): PublicDetails {
  const links = Help.decode(bytes)
    .links.filter(({ url }) => isAllowedLink(url, policy.helpHosts))
    .slice(0, maxListLength)
    .map(({ description, url }) => ({ description: proseFrom(description), url }));
  return links.length > 0 ? { links } : {};
}

/** google.rpc.ErrorInfo.reason, also the custom of violation types. */
const constantPattern = /^[A-Z][A-Z0-9_]{0,62}$/;
const domainPattern = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const fieldPattern = /^[\w.[\]"'-]{1,200}$/;
const namePattern = /^[\w./:~-]{1,200}$/;
const subjectClassPattern = /^([a-z][a-z_-]{0,30}):/;
const localePattern = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/;

function isAllowedLink(url: string, hosts: readonly string[]): boolean {
  if (url.length > maxTextLength) return false;
  const parsed = URL.parse(url);
  return parsed?.protocol === 'https:' && parsed.username === '' && hosts.includes(parsed.host);
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].slice(0, maxListLength);
}

/** Text for people: bounded, without control characters, never half a surrogate pair. */
function proseFrom(text: string): string {
  return text
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, maxTextLength)
    .toWellFormed();
}

/** Garbage from an upstream is its own fault and no reason to fail the mapping of its error: it is dropped. */
function decodedOrUndefined<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
