import { excessOfJson, type JsonLimits } from '../guard/shape/json-guard.ts';
import { isObject } from '../is-object.ts';
import { parseParameters, type StreamParameters } from './stream-parameters.ts';

/** The one subprotocol that is spoken; the legacy `graphql-ws` has no way to be refused that its clients understand. */
export const subprotocol = 'graphql-transport-ws';

/** What a client may say (GraphQL over WebSocket). */
export type ClientMessage =
  | { readonly type: 'connection_init'; readonly payload: Payload }
  | { readonly type: 'ping'; readonly payload: Payload }
  | { readonly type: 'pong' }
  | { readonly type: 'subscribe'; readonly id: string; readonly parameters: StreamParameters }
  | { readonly type: 'complete'; readonly id: string };

type Payload = Readonly<Record<string, unknown>> | undefined;

/** Longest id of an operation, in UTF-16 units; clients use UUIDs. */
const idMaxLength = 128;

/** The message, or undefined for anything that the protocol closes with 4400, and for JSON beyond `limits`. */
export function parseMessage(text: string, limits: JsonLimits): ClientMessage | undefined {
  const value = excessOfJson(text, limits) ? undefined : parseJson(text);
  if (!isObject(value) || typeof value['type'] !== 'string') return undefined;
  return Object.hasOwn(readers, value['type']) ? readers[value['type']]?.(value) : undefined;
}

type Reader = (value: Readonly<Record<string, unknown>>) => ClientMessage | undefined;

const readers: Readonly<Record<string, Reader>> = {
  connection_init: ({ payload }) =>
    isPayload(payload) ? { type: 'connection_init', payload: payload ?? undefined } : undefined,
  ping: ({ payload }) => (isPayload(payload) ? { type: 'ping', payload: payload ?? undefined } : undefined),
  pong: ({ payload }) => (isPayload(payload) ? { type: 'pong' } : undefined),
  subscribe: ({ id, payload }) => {
    const parsed = parseParameters(payload);
    return isId(id) && parsed.ok ? { type: 'subscribe', id, parameters: parsed.parameters } : undefined;
  },
  complete: ({ id }) => (isId(id) ? { type: 'complete', id } : undefined),
};

function isPayload(payload: unknown): payload is Readonly<Record<string, unknown>> | null | undefined {
  return payload === undefined || payload === null || isObject(payload);
}

function isId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= idMaxLength;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the server says; payloads of `next` are JSON already. */
export const messageText = {
  ping: (payload: object) => JSON.stringify({ type: 'ping', payload }),
  next: (id: string, payload: string) => `{"type":"next","payload":${payload},"id":${asciiJson(id)}}`,
  error: (id: string, payload: readonly unknown[]) => JSON.stringify({ type: 'error', payload, id }),
  complete: (id: string) => `{"type":"complete","id":${asciiJson(id)}}`,
} as const;

/** Ids of clients that use UUIDs or numbers. */
const plainPattern = /^[\w-]+$/;

/** JSON text of a string in ASCII alone. */
export function asciiJson(text: string): string {
  if (plainPattern.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(/[\u0080-\uffff]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
