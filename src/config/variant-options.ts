import { z } from 'zod';
import { documentOptions } from './document-options.ts';
import { limitOptions, pageOptions } from './option-sections.ts';

const introspections = ['anyone', 'known', 'nobody'] as const;

/** Who may ask for the schema itself: anyone, those with a token, nobody. */
export type Introspection = (typeof introspections)[number];

/** The options that a variant alone has. */
export const variantOptions = z.strictObject({
  paths: z
    .array(z.string().regex(/^(?:\/[A-Za-z0-9._~-]+)+$/, 'expected a path such as /mobile/graphql'))
    .min(1, 'expected at least one path')
    .max(16, 'expected at most 16 paths')
    .optional()
    .meta({
      description:
        'Where it is served; its event streams that carry many operations, with `/stream` behind it',
      bounds: '1 to 16, each begins with `/`',
      default: '`/<name>/graphql`, for the first variant `/graphql` too',
    }),
  hosts: z
    .array(
      z.string().regex(/^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])$/, 'expected a host in lower case, without a port'),
    )
    .max(100, 'expected at most 100 hosts')
    .default([])
    .meta({
      description: 'Hosts that it is served at, so that variants may share paths',
      bounds: 'at most 100, without ports',
      default: 'any',
    }),
  header: z
    .strictObject({
      name: z.string().regex(/^[a-z0-9-]{1,64}$/, 'expected the name of a header in lower case'),
      value: z.string().min(1, 'expected a value').max(256, 'expected at most 256 characters'),
    })
    .optional()
    .meta({
      description: 'Header that its requests have, `{ name, value }`, so that variants may share paths',
      default: 'none',
    }),
  introspection: z
    .enum(introspections, `expected one of ${introspections.join(', ')}`)
    .optional()
    .meta({
      description: 'Who may ask for its schema: `anyone`, those with a token (`known`), `nobody`',
      default: '`nobody` in production, `anyone` outside',
    }),
});

/** The sections of which a variant may have its own values. */
export const variantSections = {
  pages: pageOptions,
  limits: limitOptions.omit({ closeTimeoutMs: true }),
  documents: documentOptions,
} as const;

/** Where the configuration names none. */
export const defaultVariants = { web: {} };

/** Limits without what is of the whole gateway: closing. */
export function sharedLimits<Limits extends object>(limits: Limits): Omit<Limits, 'closeTimeoutMs'> {
  const { closeTimeoutMs: _ofTheGateway, ...shared } = { closeTimeoutMs: 0, ...limits };
  return shared;
}

/** Where a variant is served that names no path. */
export function defaultPaths(name: string, isFirst: boolean): readonly string[] {
  const own = `/${name}/graphql`;
  return isFirst ? ['/graphql', own] : [own];
}
