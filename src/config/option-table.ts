import { GraphQLSchema } from 'graphql';
import { z } from 'zod';
import type { BudgetPolicyFor } from '../guard/budget/policy.ts';
import type { IdentityConfig } from './identity.ts';
import { optionSections } from './option-sections.ts';
import { isOptions, type Options } from './plain-options.ts';
import type { UpstreamConfig } from './upstreams.ts';
import { variantOptions } from './variant-options.ts';

const upstreamName = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, 'expected an upstream name of lower-case letters, digits and hyphens');

const variantName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected a variant name of lower-case letters, digits and hyphens');

/** All options of weir.config.ts. */
export const optionTable = z.strictObject({
  schema: z.instanceof(GraphQLSchema, { error: 'expected a GraphQLSchema' }),
  upstreams: z.record(
    upstreamName,
    z.custom<UpstreamConfig>(isOptions, 'expected the options of an upstream'),
  ),
  identity: z.custom<IdentityConfig>(isOptions, 'expected the options of identity').optional(),
  server: optionSections.server.prefault({}),
  tls: optionSections.tls.prefault({}),
  limits: optionSections.limits.prefault({}),
  pages: optionSections.pages.prefault({}),
  documents: optionSections.documents.prefault({}),
  realtime: optionSections.realtime.prefault({}),
  cursors: optionSections.cursors.prefault({}),
  redis: optionSections.redis.prefault({}),
  prices: optionSections.prices.prefault({}),
  budget: optionSections.budget.prefault({}),
  traffic: optionSections.traffic.prefault({}),
  deprecation: optionSections.deprecation.prefault({}),
  log: optionSections.log.prefault({}),
  policy: z.custom<BudgetPolicyFor>(isFunction, 'expected a function of the caller').optional(),
  upstreamLimitPoints: z
    .record(z.string(), z.number('expected a number of points').min(0, 'expected 0 or more'))
    .default({}),
  variants: z
    .record(
      variantName,
      variantOptions.extend({
        schema: z.instanceof(GraphQLSchema, { error: 'expected a GraphQLSchema' }).optional(),
        pages: z.custom<Options>(isOptions, 'expected an object of options').default({}),
        limits: z.custom<Options>(isOptions, 'expected an object of options').default({}),
        documents: z.custom<Options>(isOptions, 'expected an object of options').default({}),
      }),
    )
    .refine((variants) => Object.keys(variants).length > 0, 'expected at least one variant')
    .default({ web: { hosts: [], pages: {}, limits: {}, documents: {} } }),
});

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** The options of a configuration without faults. */
export type ParsedOptions = z.infer<typeof optionTable>;
