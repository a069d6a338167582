/** How long an answer stays good, and in whose caches it may be kept (RFC 9111 section 5.2.2). */
export interface CachePolicy {
  /** Whole seconds, 0 to {@link maxAgeSecondsLimit}; 0: it is kept, and asked for again each time. */
  readonly maxAgeSeconds: number;
  /** `public`: the same for everybody; `private`: for whoever asked. */
  readonly scope: 'public' | 'private';
}

/** What a part of a schema says of caching: a policy of its own, or that it is as good as what it is in. */
export type CacheDeclaration = CachePolicy | 'parent';

/** What stands under {@link cacheExtension} of an object type or a field. */
export interface DeclaredCaching {
  readonly cache?: CacheDeclaration;
  /** Whether it depends on who asks, so that nothing with it is public. */
  readonly isGuarded?: boolean;
}

/** Name of the extension that holds {@link DeclaredCaching}. */
export const cacheExtension = 'weirCache';

/** A year: longer is never meant (RFC 9111 has no such bound, RFC 2616 section 14.21 had). */
export const maxAgeSecondsLimit = 31_536_000;

/** What is declared; nothing where there is nothing. */
export function cachingOf({ extensions }: { readonly extensions: object }): DeclaredCaching {
  const declared: unknown = cacheExtension in extensions ? extensions[cacheExtension] : undefined;
  return typeof declared === 'object' && declared !== null ? declared : {};
}

/** The policy of what is made of both. */
export function stricter(one: CachePolicy, other: CachePolicy): CachePolicy {
  return {
    maxAgeSeconds: Math.min(one.maxAgeSeconds, other.maxAgeSeconds),
    scope: one.scope === 'private' ? one.scope : other.scope,
  };
}
