import { PothosSchemaError } from '@pothos/core';
import {
  type CacheDeclaration,
  cacheExtension,
  type DeclaredCaching,
  maxAgeSecondsLimit,
} from '../caching/policy.ts';

/** What an author says of caching an answer with this in it; `scope` is `private` unless it says otherwise. */
export type CacheOption =
  | 'parent'
  | { readonly maxAgeSeconds: number; readonly scope?: 'public' | 'private' };

/** Any part of a schema while it is built. */
interface Configured {
  readonly extensions?: object | null | undefined;
  readonly pothosOptions: object;
}

/** A config with what is said of caching in its extensions; the same one where nothing is. */
export function withCaching<Config extends Configured>(config: Config, caching: DeclaredCaching): Config {
  if (caching.cache === undefined && !caching.isGuarded) return config;
  return { ...config, extensions: { ...config.extensions, [cacheExtension]: caching } };
}

/**
 * What the options of a type or a field say. Whatever has `authScopes` depends on who asks. Throws PothosSchemaError for an
 * age that is none, and for something public that has `authScopes`.
 */
export function cacheOption({ pothosOptions }: Configured, coordinate: string): DeclaredCaching {
  const isGuarded = isGuardedBy(pothosOptions);
  const option: unknown = 'cache' in pothosOptions ? pothosOptions.cache : undefined;
  const cache = option === undefined ? undefined : declarationFrom(option, coordinate);
  if (isGuarded && typeof cache === 'object' && cache.scope === 'public')
    throw new PothosSchemaError(`${coordinate}: expected no public "cache" where there are "authScopes".`);
  return { ...(cache && { cache }), ...(isGuarded && { isGuarded }) };
}

/** Whether options have `authScopes`, those of Pothos' scope-auth plugin. */
export function isGuardedBy(pothosOptions: object): boolean {
  return 'authScopes' in pothosOptions && pothosOptions.authScopes !== undefined;
}

function declarationFrom(option: unknown, coordinate: string): CacheDeclaration {
  if (option === 'parent') return option;
  const { maxAgeSeconds, scope = 'private' } = option as Record<string, unknown>; // as: checked below
  const isAge = Number.isInteger(maxAgeSeconds) && Number(maxAgeSeconds) >= 0;
  if (isAge && Number(maxAgeSeconds) <= maxAgeSecondsLimit && (scope === 'public' || scope === 'private'))
    return { maxAgeSeconds: Number(maxAgeSeconds), scope };
  throw new PothosSchemaError(
    `${coordinate}: expected "cache" to be 'parent' or { maxAgeSeconds: 0 to ${maxAgeSecondsLimit}, scope: 'public' or 'private' }.`,
  );
}
