import { isObject } from '../is-object.ts';

/** The member of a GraphQL response that belongs to whoever sends it (GraphQL, section 7.1.7). */
const extensionsName = '"extensions"';

/**
 * JSON of a result with one more member of `extensions`. The text is only put together; it is taken apart where it seems
 * to have extensions already, which may be a client's data as well.
 */
export function withExtension(json: string, name: string, value: unknown): string {
  if (!json.includes(extensionsName))
    return `${json.slice(0, -1)},"extensions":{"${name}":${JSON.stringify(value)}}}`;
  const result: unknown = JSON.parse(json);
  if (!isObject(result)) return json;
  const { extensions } = result;
  return JSON.stringify({
    ...result,
    extensions: { ...(isObject(extensions) ? extensions : undefined), [name]: value },
  });
}
