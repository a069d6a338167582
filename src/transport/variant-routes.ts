import type { IncomingHttpHeaders } from 'node:http';

/** What requests for a variant look like. */
export interface VariantRoute {
  readonly paths: readonly string[];
  /** Lower-case, without ports; empty for any. */
  readonly hosts: readonly string[];
  /** That a request must have; its name is in lower case. */
  readonly header: { readonly name: string; readonly value: string } | undefined;
}

/** Whom a request is for. */
export interface Routed<Served> {
  readonly served: Served;
  /** Of the variant: without {@link streamSuffix}. */
  readonly path: string;
  /** Whether it is for event streams that carry many operations each. */
  readonly isStream: boolean;
  /** Of the document that the address names: see {@link documentSuffix}. */
  readonly documentId?: string;
  /** Headers that this depends on, beyond address and host: what caches must tell apart. */
  readonly vary: readonly string[];
}

/**
 * Whom a request to `path` (of its URL, without the query) of `host` is for; undefined when it is for nobody. A preflight is
 * for whoever is there, so it has undefined for headers: it names those of the request to come, without their values.
 */
export type Route<Served> = (
  path: string,
  headers: IncomingHttpHeaders | undefined,
  host: string,
) => Routed<Served> | undefined;

/** Behind the path of a variant: where event streams are served that carry many operations each. */
export const streamSuffix = '/stream';

/** Behind the path of a variant, with the id of a document behind it: an address for each, as caches like them. */
export const documentSuffix = '/documents/';

/** Leads requests to variants. Of several that fit, the one that says most of a request has it: host before header. */
export function createVariantRoutes<Served extends VariantRoute>(all: readonly Served[]): Route<Served> {
  const byPath = new Map<string, Routed<Served>[]>();
  for (const served of all)
    for (const path of served.paths) {
      place(byPath, path, { served, path, isStream: false, vary: [] });
      place(byPath, `${path}${streamSuffix}`, { served, path, isStream: true, vary: [] });
    }
  for (const [path, candidates] of byPath) byPath.set(path, inOrder(candidates));
  const find: Route<Served> = (path, headers, host) =>
    byPath.get(path)?.find(({ served }) => fits(served, headers, host));
  return (path, headers, host) => {
    const found = find(path, headers, host);
    const at = found ? -1 : path.lastIndexOf(documentSuffix);
    if (at < 0) return found;
    const routed = find(path.slice(0, at), headers, host);
    const documentId = decoded(path.slice(at + documentSuffix.length));
    return routed && !routed.isStream && documentId ? { ...routed, documentId } : undefined;
  };
}

/** Undefined for what is no text in UTF-8 (RFC 3986 section 2.5). */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function place<Served>(byPath: Map<string, Routed<Served>[]>, path: string, routed: Routed<Served>): void {
  const known = byPath.get(path);
  if (known) known.push(routed);
  else byPath.set(path, [routed]);
}

function inOrder<Served extends VariantRoute>(candidates: readonly Routed<Served>[]): Routed<Served>[] {
  const names = candidates.flatMap(({ served }) => (served.header ? [served.header.name] : []));
  const vary = [...new Set(names)];
  return candidates
    .map((routed) => ({ ...routed, vary }))
    .toSorted((one, other) => saysOf(other.served) - saysOf(one.served));
}

function saysOf({ hosts, header }: VariantRoute): number {
  return (hosts.length > 0 ? 2 : 0) + (header ? 1 : 0);
}

function fits(
  { hosts, header }: VariantRoute,
  headers: IncomingHttpHeaders | undefined,
  host: string,
): boolean {
  if (header && headers && headers[header.name] !== header.value) return false;
  return hosts.length === 0 || hosts.includes(hostOf(host));
}

/** Without its port (RFC 9110 section 7.2). */
function hostOf(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}
