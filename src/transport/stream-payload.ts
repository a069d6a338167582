import { withExtension } from '../operation/with-extension.ts';
import type { Delivered } from '../realtime/sink.ts';

/** JSON of an event with its cursor as `extensions.cursor`, where clients of every transport find it. */
export function payloadFrom({ json, cursor }: Delivered): string {
  return cursor === undefined ? json : withExtension(json, 'cursor', cursor);
}

/**
 * The marker in place of events that this client does not get. Data of null without errors: graphql-ws, graphql-sse and
 * urql hand it on as a result, and Apollo and Relay pass over a payload without data or errors, which Relay takes for a
 * fault only when it has no member `data` at all.
 */
export function gapPayload(gap: { readonly dropped: number | undefined; readonly reason: string }): string {
  return JSON.stringify({ data: null, extensions: { gap } });
}
