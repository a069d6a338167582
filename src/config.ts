import { GraphQLSchema } from 'graphql';
import { z } from 'zod';
import { systemClock } from './clock.ts';
import { type UpstreamOptions, upstreamFaults } from './upstream/options.ts';

/**
 * A gRPC service behind the gateway, as weir.config.ts names it: a `target` and any number of `upstreamLimits`.
 * `WEIR_UPSTREAM_<NAME>` replaces the target.
 */
export type UpstreamConfig = Omit<UpstreamOptions, 'name' | 'clock' | 'onAnomaly'>;

/** What weir.config.ts exports: see the table in the README for every option, its unit, default and bounds. */
export interface WeirConfig {
  /** The executable schema, built with Pothos or anything else that makes a graphql-js schema. */
  readonly schema: GraphQLSchema;
  /** By the name under which resolvers find them: lower-case letters, digits and hyphens. */
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly server?: Partial<ServerSettings>;
  readonly limits?: Partial<LimitSettings>;
  readonly pages?: Partial<PageSettings>;
  readonly cursors?: Partial<CursorSettings>;
  readonly log?: Partial<LogSettings>;
}

type ServerSettings = z.infer<typeof serverOptions>;
type LimitSettings = z.infer<typeof limitOptions>;
type PageSettings = z.infer<typeof pageOptions>;
type CursorSettings = z.infer<typeof cursorOptions>;
type LogSettings = z.infer<typeof logOptions>;

/** A checked configuration with every default filled in. */
export interface Settings {
  readonly schema: GraphQLSchema;
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly production: boolean;
  readonly server: Readonly<ServerSettings>;
  readonly limits: Readonly<LimitSettings>;
  readonly pages: Readonly<PageSettings>;
  readonly cursors: Readonly<CursorSettings>;
  readonly log: Readonly<LogSettings>;
}

/** Settings, or one line for each fault: where it is, what was expected, what came. */
export type ParsedConfig =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly faults: readonly string[] };

/** Environment variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Signs cursors outside production only: anybody can read it here. */
const developmentSecret = 'weir-development-secret-not-for-production';

const whole = (minimum: number, maximum: number, fallback: number) =>
  z
    .int(`expected a whole number from ${minimum} to ${maximum}`)
    .min(minimum, `expected a whole number from ${minimum} to ${maximum}`)
    .max(maximum, `expected a whole number from ${minimum} to ${maximum}`)
    .default(fallback);

const serverOptions = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
  port: whole(0, 65_535, 4000).describe('Port of the graph; 0 takes a free one'),
});

const limitOptions = z.strictObject({
  bodyMaxBytes: whole(1024, 67_108_864, 1_048_576).describe('Largest request body, in bytes'),
  operationTimeoutMs: whole(50, 600_000, 5000).describe(
    'Longest that an operation may take, in milliseconds; `Weir-Timeout-Ms` shortens it',
  ),
});

const pageOptions = z
  .strictObject({
    defaultSize: whole(1, 1000, 20).describe('Rows of a page that names no size'),
    maxSize: whole(1, 1000, 100).describe('Most rows of a page'),
  })
  .refine(({ defaultSize, maxSize }) => defaultSize <= maxSize, {
    path: ['defaultSize'],
    error: 'expected at most pages.maxSize',
  });

const cursorOptions = z.strictObject({
  secrets: z
    .array(z.string().min(32, 'expected at least 32 characters'))
    .min(1, 'expected at least one secret')
    .max(8, 'expected at most 8 secrets')
    .default([developmentSecret])
    .describe('Keys that sign cursors, the current one first, retired ones behind it'),
});

const logOptions = z.strictObject({
  level: z.enum(['silent', 'error', 'warn', 'info']).default('info').describe('How much the log tells'),
});

const upstreamName = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, 'expected an upstream name of lower-case letters, digits and hyphens');

const optionTable = z.strictObject({
  schema: z.instanceof(GraphQLSchema, { error: 'expected a GraphQLSchema' }),
  upstreams: z.record(
    upstreamName,
    z.custom<UpstreamConfig>(isOptions, 'expected the options of an upstream'),
  ),
  server: serverOptions.prefault({}),
  limits: limitOptions.prefault({}),
  pages: pageOptions.prefault({}),
  cursors: cursorOptions.prefault({}),
  log: logOptions.prefault({}),
});

/** Environment variables that replace an option of weir.config.ts: the option's path, and how to read the text. */
const environmentTable = {
  HOST: { path: ['server', 'host'], read: (text: string) => text },
  PORT: { path: ['server', 'port'], read: Number },
  WEIR_CURSOR_SECRETS: { path: ['cursors', 'secrets'], read: (text: string) => text.split(',') },
  WEIR_LOG_LEVEL: { path: ['log', 'level'], read: (text: string) => text },
} as const;

const upstreamPrefix = 'WEIR_UPSTREAM_';

/** Gives a configuration its type where it is written; checks nothing yet. */
export function defineConfig<const Config extends WeirConfig>(config: Config): Config {
  return config;
}

/** The environment of this process: the one place of the engine that reads it. */
export function processEnvironment(): Environment {
  return process.env;
}

/**
 * Checks a configuration and fills in its defaults; the environment goes before the file. Refuses unknown options,
 * values out of bounds, variables for upstreams that there are not, and in production the development secret.
 */
export function parseConfig(config: unknown, environment: Environment): ParsedConfig {
  const { merged, faults } = withEnvironment(config, environment);
  const parsed = optionTable.safeParse(merged, { reportInput: true });
  if (!parsed.success) return { ok: false, faults: [...faults, ...parsed.error.issues.flatMap(faultLines)] };
  const settings = { ...parsed.data, production: environment['NODE_ENV'] === 'production' };
  const all = [...faults, ...faultsOfUpstreams(settings), ...productionFaults(settings)];
  return all.length > 0 ? { ok: false, faults: all } : { ok: true, settings };
}

function faultsOfUpstreams({ upstreams }: Settings): string[] {
  return Object.entries(upstreams).flatMap(([name, options]) => [
    ...upstreamFaults({ ...options, name, clock: systemClock }),
  ]);
}

type Options = Record<string, unknown>;

function withEnvironment(config: unknown, environment: Environment): { merged: unknown; faults: string[] } {
  if (!isOptions(config)) return { merged: config, faults: [] };
  const merged: Options = { ...config };
  for (const [variable, { path, read }] of Object.entries(environmentTable)) {
    const text = environment[variable];
    const [section, option] = path;
    if (text !== undefined) merged[section] = { ...optionsOf(merged[section]), [option]: read(text) };
  }
  const upstreams: Options = { ...optionsOf(merged['upstreams']) };
  const faults: string[] = [];
  for (const [variable, target] of Object.entries(environment)) {
    if (target === undefined || !variable.startsWith(upstreamPrefix)) continue;
    const name = variable.slice(upstreamPrefix.length).toLowerCase().replaceAll('_', '-');
    if (name in upstreams) upstreams[name] = { ...optionsOf(upstreams[name]), target };
    else
      faults.push(
        `${variable}: expected the name of an upstream (${Object.keys(upstreams).join(', ')}), got "${name}"`,
      );
  }
  return { merged: { ...merged, upstreams }, faults };
}

function isOptions(value: unknown): value is Options {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function optionsOf(value: unknown): Options {
  return isOptions(value) ? value : {};
}

function faultLines(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys')
    return [`${at || 'weir.config.ts'}: ${issue.message}${gotten(issue)}`];
  return issue.keys.map(
    (key) => `${[...issue.path, key].join('.')}: unknown option; see the README for those that there are`,
  );
}

function gotten(issue: z.core.$ZodIssue): string {
  return issue.input === undefined ? '' : `, got ${JSON.stringify(issue.input)}`;
}

function productionFaults({ production, cursors }: Settings): string[] {
  if (!production || !cursors.secrets.includes(developmentSecret)) return [];
  return [
    'cursors.secrets: expected secrets of your own in production (WEIR_CURSOR_SECRETS), got the development one',
  ];
}
