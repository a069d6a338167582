import type { GraphQLSchema } from 'graphql';
import type { z } from 'zod';
import { type BudgetPolicyFor, createBudgetPolicy } from '../guard/budget/policy.ts';
import { type Environment, variableFaults, withEnvironment } from './environment.ts';
import { faultLines, wrongType } from './fault-lines.ts';
import { developmentIdentity, type IdentityConfig, identityFaults } from './identity.ts';
import type { optionSections } from './option-sections.ts';
import { optionTable } from './option-table.ts';
import { isOptions, optionsOf } from './plain-options.ts';
import { productionFaults } from './production-faults.ts';
import { faultsOfUpstreams, type UpstreamConfig } from './upstreams.ts';
import { faultsOfVariants } from './variant-faults.ts';
import type { variantOptions } from './variant-options.ts';
import { faultsOfViews, type VariantSettings, variantFrom, viewsOf } from './variant-settings.ts';

/** The sections of options by name, with every default filled in. */
type Sections = {
  readonly [Name in keyof typeof optionSections]: Readonly<z.infer<(typeof optionSections)[Name]>>;
};

/** The same as they are written: what is left out has its default. */
type GivenSections = { readonly [Name in keyof Sections]?: Partial<Sections[Name]> };

/**
 * One face of the graph, by its own schema, addresses and bounds. What it leaves out is as the sections of the same names
 * say.
 */
export interface VariantConfig extends Partial<z.input<typeof variantOptions>> {
  /** What this variant shows of the graph. Default: the `schema` of the configuration. */
  readonly schema?: GraphQLSchema;
  readonly pages?: Partial<Sections['pages']>;
  readonly limits?: Partial<VariantSettings['limits']>;
  readonly documents?: Partial<Sections['documents']>;
}

/** What weir.config.ts exports: see the table in the README for every option, its unit, default and bounds. */
export interface WeirConfig extends GivenSections {
  /** The executable schema, built with Pothos or anything else that makes a graphql-js schema. */
  readonly schema: GraphQLSchema;
  /** By the name under which resolvers find them: lower-case letters, digits and hyphens. */
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  /**
   * Whose tokens are good. Default: those of `weir token`, and none in production.
   */
  readonly identity?: IdentityConfig;
  /** What a caller may spend; see createBudgetPolicy, whose defaults are those of this option. */
  readonly policy?: BudgetPolicyFor;
  /**
   * Points that one operation may ask of an upstream, by its name: beyond it the fields that call it are null with an
   * error. Default: no ceiling.
   */
  readonly upstreamLimitPoints?: Readonly<Record<string, number>>;
  /**
   * The faces of the graph, by their names: lower-case letters, digits and hyphens. The first is the one that is meant where
   * none is named. Default: one, `web`.
   */
  readonly variants?: Readonly<Record<string, VariantConfig>>;
}

/** A checked configuration with every default filled in. */
export interface Settings extends Sections {
  readonly schema: GraphQLSchema;
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly production: boolean;
  /** Absent: no token is good. */
  readonly identity: IdentityConfig | undefined;
  readonly policy: BudgetPolicyFor;
  readonly upstreamLimitPoints: Readonly<Record<string, number>>;
  /** At least one; the first is the one that is meant where none is named. */
  readonly variants: readonly [VariantSettings, ...VariantSettings[]];
}

/** Settings, or one line for each fault: where it is, what was expected, what came. */
export type ParsedConfig =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly faults: readonly string[] };

/** Gives a configuration its type where it is written; checks nothing yet. */
export function defineConfig<const Config extends WeirConfig>(config: Config): Config {
  return config;
}

/** The environment of this process: the one place of the engine that reads it. */
export function processEnvironment(): Environment {
  return process.env;
}

/**
 * Checks a configuration and fills in its defaults; the environment goes before the file. Refuses unknown options and
 * unknown `WEIR_` variables, values out of bounds, upstreams that there are not, and in production what is
 * for developers alone: every fault at once.
 */
export function parseConfig(config: unknown, environment: Environment): ParsedConfig {
  const production = environment['NODE_ENV'] === 'production';
  const merged = withEnvironment(config, environment);
  const views = viewsOf(optionsOf(merged));
  const parsed = optionTable.safeParse(merged, { reportInput: true, error: wrongType });
  const faults = [
    ...(isOptions(config) ? variableFaults(optionsOf(config['upstreams']), environment) : []),
    ...(parsed.error?.issues.flatMap(faultLines) ?? []),
    ...(isOptions(merged) ? faultsOfUpstreams(optionsOf(merged['upstreams'])) : []),
    ...(isOptions(merged) ? identityFaults(merged['identity'], production) : []),
    ...(isOptions(merged) ? faultsOfVariants(merged, production) : []),
    ...(isOptions(merged) && production ? productionFaults(merged) : []),
    ...faultsOfViews(optionsOf(merged), views),
  ];
  if (!parsed.success || faults.length > 0) return { ok: false, faults };
  const identity = parsed.data.identity ?? (production ? undefined : developmentIdentity);
  const { policy = createBudgetPolicy() } = parsed.data;
  const [first, ...rest] = Object.keys(parsed.data.variants).map((name, index) =>
    variantFrom(parsed.data, { name, isFirst: index === 0, production, view: views.get(name) }),
  );
  if (!first) return { ok: false, faults: ['variants: expected at least one variant'] };
  return { ok: true, settings: { ...parsed.data, identity, policy, production, variants: [first, ...rest] } };
}
