import type { Delivered } from '../realtime/sink.ts';
import { isObject } from './stream-parameters.ts';

/** The member of a GraphQL response that belongs to whoever sends it (GraphQL, section 7.1.7). */
const extensionsName = '"extensions"';

/**
 * JSON of an event with its cursor as `extensions.cursor`, where clients of every transport find it. The text is only
 * put together; it is taken apart where it seems to have extensions already, which may be a client's data as well.
 */
export function payloadFrom({ json, cursor }: Delivered): string {
  if (cursor === undefined) return json;
  if (!json.includes(extensionsName)) {
    return `${json.slice(0, -1)},"extensions":{"cursor":${JSON.stringify(cursor)}}}`;
  }
  const result: unknown = JSON.parse(json);
  if (!isObject(result)) return json;
  const { extensions } = result;
  return JSON.stringify({
    ...result,
    extensions: { ...(isObject(extensions) ? extensions : undefined), cursor },
  });
}

/**
 * The marker in place of events that this client does not get. Data of null without errors: graphql-ws, graphql-sse and
 * urql hand it on as a result, and Apollo and Relay pass over a payload without data or errors, which Relay takes for a
 * fault only when it has no member `data` at all.
 */
export function gapPayload(gap: { readonly dropped: number | undefined; readonly reason: string }): string {
  return JSON.stringify({ data: null, extensions: { gap } });
}
