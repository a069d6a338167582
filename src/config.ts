// Over 300 lines: every option of the engine stands in this one place, with what checks it.
import { inspect } from 'node:util';
import { GraphQLSchema } from 'graphql';
import { z } from 'zod';
import { systemClock } from './clock.ts';
import { type BudgetPolicyFor, createBudgetPolicy } from './guard/budget/policy.ts';
import { withIncrementalDirectives } from './guard/documents/incremental-directives.ts';
import { type ShapeLimit, type ShapeLimitName, shapeLimits } from './guard/shape/limits.ts';
import { type Projection, projectSchema } from './guard/visibility/project-schema.ts';
import { variantsOf, visibleElements } from './guard/visibility/shown.ts';
import { type KeyOptions, keyFaults } from './identity/keys.ts';
import { type TokenOptions, tokenFaults } from './identity/token-options.ts';
import { serverFaults, serverOptions, tlsOptions } from './server-options.ts';
import { type UpstreamOptions, upstreamFaults } from './upstream/options.ts';
import { plainTextFault } from './upstream/plain-text.ts';
import { whole } from './whole.ts';

/**
 * A gRPC service behind the gateway, as weir.config.ts names it: a `target` and any number of `upstreamLimits`.
 * `WEIR_UPSTREAM_<NAME>` replaces the target.
 */
export type UpstreamConfig = Omit<UpstreamOptions, (typeof ownUpstreamOptions)[number]>;

/** Which tokens are accepted, and where the keys come from that they are signed with. */
export interface IdentityConfig extends TokenOptions {
  readonly keys: KeyOptions;
}

/**
 * One face of the graph, by its own schema, addresses and bounds. What it leaves out is as the sections of the same names
 * say.
 */
export interface VariantConfig extends Partial<z.input<typeof variantOptions>> {
  /** What this variant shows of the graph. Default: the `schema` of the configuration. */
  readonly schema?: GraphQLSchema;
  readonly pages?: Partial<PageSettings>;
  readonly limits?: Partial<VariantLimitSettings>;
  readonly documents?: Partial<DocumentSettings>;
}

/** What weir.config.ts exports: see the table in the README for every option, its unit, default and bounds. */
export interface WeirConfig {
  /** The executable schema, built with Pothos or anything else that makes a graphql-js schema. */
  readonly schema: GraphQLSchema;
  /** By the name under which resolvers find them: lower-case letters, digits and hyphens. */
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  /**
   * Whose tokens are good. Default: those of `weir token`, and none in production.
   */
  readonly identity?: IdentityConfig;
  readonly server?: Partial<ServerSettings>;
  readonly tls?: Partial<TlsSettings>;
  readonly limits?: Partial<LimitSettings>;
  readonly pages?: Partial<PageSettings>;
  readonly documents?: Partial<DocumentSettings>;
  readonly realtime?: Partial<RealtimeSettings>;
  readonly cursors?: Partial<CursorSettings>;
  readonly redis?: Partial<RedisSettings>;
  readonly prices?: Partial<PriceSettings>;
  readonly budget?: Partial<BudgetSettings>;
  readonly traffic?: Partial<TrafficSettings>;
  /** What a caller may spend; see createBudgetPolicy, whose defaults are those of this option. */
  readonly policy?: BudgetPolicyFor;
  /**
   * Points that one operation may ask of an upstream, by its name: beyond it the fields that call it are null with an
   * error. Default: no ceiling.
   */
  readonly upstreamLimitPoints?: Readonly<Record<string, number>>;
  readonly deprecation?: Partial<DeprecationSettings>;
  readonly log?: Partial<LogSettings>;
  /**
   * The faces of the graph, by their names: lower-case letters, digits and hyphens. The first is the one that is meant where
   * none is named. Default: one, `web`.
   */
  readonly variants?: Readonly<Record<string, VariantConfig>>;
}

type ServerSettings = z.infer<typeof serverOptions>;
type TlsSettings = z.infer<typeof tlsOptions>;
type LimitSettings = z.infer<typeof limitOptions>;
type PageSettings = z.infer<typeof pageOptions>;
type DocumentSettings = z.infer<typeof documentOptions>;
type RealtimeSettings = z.infer<typeof realtimeOptions>;
type CursorSettings = z.infer<typeof cursorOptions>;
type RedisSettings = z.infer<typeof redisOptions>;
type PriceSettings = z.infer<typeof priceOptions>;
type BudgetSettings = z.infer<typeof budgetOptions>;
type TrafficSettings = z.infer<typeof trafficOptions>;
type DeprecationSettings = z.infer<typeof deprecationOptions>;
type LogSettings = z.infer<typeof logOptions>;

/** The bounds that each variant has for itself. */
type VariantLimitSettings = Omit<LimitSettings, 'closeTimeoutMs'>;

/** Who may ask for the schema itself: anyone, those with a token, nobody. */
export type Introspection = (typeof introspections)[number];

/** One variant with every default filled in. */
export interface VariantSettings {
  readonly name: string;
  readonly schema: GraphQLSchema;
  /** At least one. */
  readonly paths: readonly string[];
  /** Lower-case, without ports; empty for any. */
  readonly hosts: readonly string[];
  /** That a request must have; its name is in lower case. */
  readonly header: { readonly name: string; readonly value: string } | undefined;
  readonly introspection: Introspection;
  readonly pages: Readonly<PageSettings>;
  readonly limits: Readonly<VariantLimitSettings>;
  readonly documents: Readonly<DocumentSettings & { readonly allow: (typeof allowances)[number] }>;
}

/** A checked configuration with every default filled in. */
export interface Settings {
  readonly schema: GraphQLSchema;
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly production: boolean;
  /** Absent: no token is good. */
  readonly identity: IdentityConfig | undefined;
  readonly server: Readonly<ServerSettings>;
  readonly tls: Readonly<TlsSettings>;
  readonly limits: Readonly<LimitSettings>;
  readonly pages: Readonly<PageSettings>;
  readonly documents: Readonly<DocumentSettings>;
  readonly realtime: Readonly<RealtimeSettings>;
  readonly cursors: Readonly<CursorSettings>;
  readonly redis: Readonly<RedisSettings>;
  readonly prices: Readonly<PriceSettings>;
  readonly budget: Readonly<BudgetSettings>;
  readonly traffic: Readonly<TrafficSettings>;
  readonly policy: BudgetPolicyFor;
  readonly upstreamLimitPoints: Readonly<Record<string, number>>;
  readonly deprecation: Readonly<DeprecationSettings>;
  readonly log: Readonly<LogSettings>;
  /** At least one; the first is the one that is meant where none is named. */
  readonly variants: readonly [VariantSettings, ...VariantSettings[]];
}

/** Settings, or one line for each fault: where it is, what was expected, what came. */
export type ParsedConfig =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly faults: readonly string[] };

/** Environment variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Signs cursors outside production only: anybody can read it here. */
const developmentSecret = 'weir-development-secret-not-for-production';

/** The tokens that `weir token` signs. */
const developmentIdentity: IdentityConfig = {
  issuer: 'weir-development',
  audience: 'weir',
  keys: { kind: 'development' },
};

const budgetModes = ['off', 'measure', 'enforce'] as const;
const logLevels = ['silent', 'error', 'warn', 'info'] as const;
const introspections = ['anyone', 'known', 'nobody'] as const;
const allowances = ['trusted', 'any'] as const;

/** The bounds of the guard have one table of their own. */
function shapeOptions(): Readonly<Record<ShapeLimitName, ReturnType<typeof whole>>> {
  const limits: [string, ShapeLimit][] = Object.entries(shapeLimits);
  const options = limits.map(([name, { default: fallback, min, max, description }]) => [
    name,
    whole(min, max, fallback).describe(description),
  ]);
  return Object.fromEntries(options);
}

const limitOptions = z.strictObject({
  bodyMaxBytes: whole(1024, 67_108_864, 1_048_576).describe('Largest request body, in bytes'),
  operationTimeoutMs: whole(50, 600_000, 5000).describe(
    'Longest that an operation may take, in milliseconds; `Weir-Timeout-Ms` shortens it',
  ),
  closeTimeoutMs: whole(0, 600_000, 8000).describe(
    'Longest that closing waits for operations in flight before it cuts them off, in milliseconds',
  ),
  ...shapeOptions(),
  maxDeferredParts: whole(0, 10_000, 0).describe(
    'Parts of an answer that may come later (`@defer`, `@stream`), each list at its largest; 0: there are no such directives',
  ),
  maxErrors: whole(1, 1000, 50).describe('Errors of one answer; more are told as one `TOO_MANY_ERRORS`'),
  maxDocuments: whole(1, 100_000, 1000).describe('Parsed and validated documents that are kept'),
  documentsMaxBytes: whole(1_048_576, 4_294_967_296, 67_108_864).describe(
    'About what the kept documents take, in bytes of memory',
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

const realtimeOptions = z
  .strictObject({
    heartbeatMs: whole(1000, 60_000, 12_000).describe(
      'Time between two signs of life on an idle connection, in milliseconds',
    ),
    pongTimeoutMs: whole(100, 59_000, 10_000).describe(
      'Longest that a WebSocket waits for the answer to a ping, in milliseconds',
    ),
    initTimeoutMs: whole(100, 60_000, 3000).describe(
      'Longest that a WebSocket waits for `connection_init`, in milliseconds',
    ),
    maxConnections: whole(1, 1_000_000, 20_000).describe('WebSockets and event streams of one process'),
    maxConnectionsPerPrincipal: whole(1, 1_000_000, 1000).describe(
      'WebSockets and event streams of one principal on one process',
    ),
    maxSubscriptionsPerPrincipal: whole(1, 1_000_000, 10_000).describe(
      'Subscriptions of one principal at all instances together',
    ),
    maxOperationsPerConnection: whole(1, 10_000, 50).describe('Operations in flight on one connection'),
    maxMessagesPerSecond: whole(1, 100_000, 200).describe('Messages of one WebSocket in a second'),
    maxPingsPerSecond: whole(1, 1000, 10).describe('Pings of one WebSocket in a second'),
    frameMaxBytesBeforeAuth: whole(1024, 1_048_576, 65_536).describe(
      'Largest message before `connection_ack`, in bytes',
    ),
    frameMaxBytes: whole(1024, 16_777_216, 262_144).describe('Largest message of a WebSocket, in bytes'),
    bufferMaxBytes: whole(65_536, 67_108_864, 1_048_576).describe(
      'What waits to be read by one client, in bytes, before its messages are not read any more',
    ),
    drainWindowMs: whole(0, 600_000, 30_000).describe(
      'Over how long a stopping gateway sends its connections away, in milliseconds',
    ),
    connectionMaxAgeMs: whole(0, 86_400_000, 3_600_000).describe(
      'Age at which a connection is sent to connect anew, so that load spreads over instances that came later, in milliseconds; 0 for never',
    ),
  })
  .refine(({ heartbeatMs, pongTimeoutMs }) => pongTimeoutMs < heartbeatMs, {
    path: ['pongTimeoutMs'],
    error: 'expected less than realtime.heartbeatMs',
  });

const cursorOptions = z.strictObject({
  secrets: z
    .array(z.string().min(32, 'expected at least 32 characters'))
    .min(1, 'expected at least one secret')
    .max(8, 'expected at most 8 secrets')
    .default([developmentSecret])
    .meta({
      description: 'Keys that sign cursors, the current one first, retired ones behind it',
      bounds: '1 to 8, each at least 32 characters; commas between them in the variable',
      default: 'one for development, refused in production',
    }),
});

const redisOptions = z.strictObject({
  url: z
    .string()
    .regex(/^($|rediss?:\/\/)/, 'expected an address that begins with redis:// or rediss://')
    .default('')
    .meta({
      description: 'Redis for what gateways share: budgets, topics, idempotency; without it each has its own',
      default: 'none',
    }),
});

const budgetOptions = z.strictObject({
  mode: z
    .enum(budgetModes, `expected one of ${budgetModes.join(', ')}`)
    .default('enforce')
    .describe(
      'What budgets do: `enforce` refuses what the policy refuses, `measure` only records it, `off` keeps no books and knows no ceiling',
    ),
  legacyHeaders: z
    .boolean('expected true or false')
    .default(false)
    .describe('Whether answers carry `X-RateLimit-*` beside `RateLimit`; the reset is in epoch seconds'),
});

const priceOptions = z.strictObject({
  scope: z
    .string()
    .min(1, 'expected the name of a scope')
    .default('prices:read')
    .describe(
      'Scope that shows `extensions.cost` and answers `GraphQL-Cost` in production; elsewhere all see prices',
    ),
});

const trafficOptions = z.strictObject({
  file: z.string().default('').meta({
    description:
      'File to which operations are recorded for `weir advise`, without variables, strings and names',
    default: 'none',
  }),
  maxBytes: whole(1024, 1_099_511_627_776, 104_857_600).describe('Size at which recording stops, in bytes'),
});

const deprecationOptions = z.strictObject({
  url: z
    .string()
    .regex(/^($|https?:\/\/[^\s<>"]+$)/, 'expected an address that begins with https:// or http://')
    .default('')
    .meta({
      description: 'Page about what is deprecated, named in the header `Link` of answers that used it',
      default: 'none',
    }),
});

const logOptions = z.strictObject({
  level: z
    .enum(logLevels, `expected one of ${logLevels.join(', ')}`)
    .default('info')
    .describe('How much the log tells'),
});

const documentOptions = z.strictObject({
  manifests: z
    .array(z.string().min(1, 'expected the path of a file or a folder'))
    .max(16, 'expected at most 16 manifests')
    .default([])
    .meta({
      description:
        'Trusted documents: manifests of graphql-codegen, Relay or Apollo, or folders of `.graphql` files',
      bounds: 'at most 16 paths',
      default: 'none',
    }),
  allow: z
    .enum(allowances, `expected one of ${allowances.join(', ')}`)
    .optional()
    .meta({
      description: 'Which documents are run: those of the manifests (`trusted`), or `any`',
      default: '`trusted` in production, `any` outside',
    }),
  scope: z
    .string()
    .min(1, 'expected the name of a scope')
    .default('documents:any')
    .describe('Scope whose holders may send any document in any case'),
  reloadMs: whole(0, 3_600_000, 5000).describe(
    'Time between two looks whether manifests have changed, in milliseconds; 0 for none',
  ),
  maxBytes: whole(1_048_576, 17_179_869_184, 268_435_456).describe(
    'About what trusted documents may take, in bytes of memory; more are refused at the start',
  ),
  automaticMaxDocuments: whole(0, 100_000, 0).describe(
    'Documents that are kept for automatic persisted queries of those who may send any; 0 turns them off',
  ),
  automaticMaxBytes: whole(1024, 1_073_741_824, 8_388_608).describe(
    'Of their texts, in bytes of memory; one tenant, or caller without one, has a fifth',
  ),
});

const variantOptions = z.strictObject({
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

/** The sections that a variant may have for itself. */
const variantSections = {
  pages: pageOptions,
  limits: limitOptions.omit({ closeTimeoutMs: true }),
  documents: documentOptions,
} as const;

const upstreamName = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, 'expected an upstream name of lower-case letters, digits and hyphens');

/** Where the configuration names none. */
const defaultVariants = { web: {} };

const variantName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected a variant name of lower-case letters, digits and hyphens');

/** The options of each variant: those of its own, and the sections of which it may have its own values. */
export const variantTable = { own: variantOptions, sections: variantSections } as const;

/** The option tables of weir.config.ts by section, each option with its description, default and bounds. */
export const optionSections = {
  server: serverOptions,
  tls: tlsOptions,
  limits: limitOptions,
  pages: pageOptions,
  documents: documentOptions,
  realtime: realtimeOptions,
  cursors: cursorOptions,
  redis: redisOptions,
  prices: priceOptions,
  budget: budgetOptions,
  traffic: trafficOptions,
  deprecation: deprecationOptions,
  log: logOptions,
} as const;

const optionTable = z.strictObject({
  schema: z.instanceof(GraphQLSchema, { error: 'expected a GraphQLSchema' }),
  upstreams: z.record(
    upstreamName,
    z.custom<UpstreamConfig>(isOptions, 'expected the options of an upstream'),
  ),
  identity: z.custom<IdentityConfig>(isOptions, 'expected the options of identity').optional(),
  server: serverOptions.prefault({}),
  tls: tlsOptions.prefault({}),
  limits: limitOptions.prefault({}),
  pages: pageOptions.prefault({}),
  documents: documentOptions.prefault({}),
  realtime: realtimeOptions.prefault({}),
  cursors: cursorOptions.prefault({}),
  redis: redisOptions.prefault({}),
  prices: priceOptions.prefault({}),
  budget: budgetOptions.prefault({}),
  traffic: trafficOptions.prefault({}),
  deprecation: deprecationOptions.prefault({}),
  log: logOptions.prefault({}),
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

/** Environment variables that replace an option of weir.config.ts: the option's path, and how to read the text. */
export const environmentTable = {
  HOST: { path: ['server', 'host'], read: (text: string) => text },
  PORT: { path: ['server', 'port'], read: readNumber },
  WEIR_TLS_CERT_FILE: { path: ['tls', 'certFile'], read: (text: string) => text },
  WEIR_TLS_KEY_FILE: { path: ['tls', 'keyFile'], read: (text: string) => text },
  ADMIN_PORT: { path: ['server', 'adminPort'], read: readNumber },
  WEIR_CURSOR_SECRETS: { path: ['cursors', 'secrets'], read: (text: string) => text.split(',') },
  REDIS_URL: { path: ['redis', 'url'], read: (text: string) => text },
  WEIR_BUDGET_MODE: { path: ['budget', 'mode'], read: (text: string) => text },
  WEIR_LOG_LEVEL: { path: ['log', 'level'], read: (text: string) => text },
} as const satisfies Readonly<
  Record<string, { path: readonly [string, string]; read: (text: string) => unknown }>
>;

/** What is no number stays text, so that the fault quotes it. */
function readNumber(text: string): unknown {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

const ownPrefix = 'WEIR_';
/** Begins the variables that replace the target of an upstream; its name follows in capitals. */
export const upstreamPrefix = 'WEIR_UPSTREAM_';

/** Variables with our prefix that are for what runs beside the gateway. */
const variablesOfOthers: ReadonlySet<string> = new Set(['WEIR_DATA_DIR']);

/** Members of an upstream's options that the gateway gives. */
const ownUpstreamOptions = ['name', 'clock', 'onAnomaly'] as const;

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

type Parsed = z.infer<typeof optionTable>;

/** What each variant shows of its schema, where there is one. */
type Views = ReadonlyMap<string, Projection>;

function viewsOf(config: Options): Views {
  const views = new Map<string, Projection>();
  for (const [name, own] of Object.entries(namedVariants(config))) {
    const { schema = config['schema'] } = optionsOf(own);
    if (schema instanceof GraphQLSchema) views.set(name, projectSchema(schema, name));
  }
  return views;
}

function namedVariants({ variants = defaultVariants }: Options): Options {
  return optionsOf(variants);
}

function faultsOfViews(config: Options, views: Views): string[] {
  const { schema } = config;
  const names = Object.keys(namedVariants(config));
  const elements = schema instanceof GraphQLSchema ? visibleElements(schema) : [];
  const unknown = elements.flatMap((element) =>
    (variantsOf(element) ?? [])
      .filter((name) => !names.includes(name))
      .map((name) => `schema: ${element}: expected names of variants (${names.join(', ')}), got "${name}"`),
  );
  const faults = [...views].flatMap(([name, view]) =>
    view.ok ? [] : view.faults.map((fault) => `variants.${name}.schema: ${fault}`),
  );
  return [...unknown, ...faults];
}

/** What a variant is made of beside its options. */
interface VariantStart {
  readonly name: string;
  readonly isFirst: boolean;
  readonly production: boolean;
  readonly view: Projection | undefined;
}

function variantFrom(
  { schema, pages, limits, documents, variants }: Parsed,
  { name, isFirst, production, view }: VariantStart,
): VariantSettings {
  const own = variants[name];
  const bounds = variantSections.limits.parse({ ...sharedLimits(limits), ...own?.limits });
  const shown = view?.ok ? view.schema : schema;
  return {
    name,
    schema: bounds.maxDeferredParts > 0 ? withIncrementalDirectives(shown) : shown,
    paths: own?.paths ?? defaultPaths(name, isFirst),
    hosts: own?.hosts ?? [],
    header: own?.header,
    introspection: own?.introspection ?? (production ? 'nobody' : 'anyone'),
    pages: pageOptions.parse({ ...pages, ...own?.pages }),
    limits: bounds,
    documents: documentsFrom({ ...documents, ...own?.documents }, production),
  };
}

function documentsFrom(options: Options, production: boolean): VariantSettings['documents'] {
  const documents = documentOptions.parse(options);
  return { ...documents, allow: documents.allow ?? (production ? 'trusted' : 'any') };
}

/** Closing is of the whole gateway. */
function sharedLimits<Limits extends object>(limits: Limits): Omit<Limits, 'closeTimeoutMs'> {
  const { closeTimeoutMs: _ofTheGateway, ...shared } = { closeTimeoutMs: 0, ...limits };
  return shared;
}

/** What is wrong with the sections of variants, each laid over what all variants share. */
function faultsOfVariants(config: Options, production: boolean): string[] {
  const shared = {
    pages: pageOptions.safeParse(config['pages'] ?? {}).data ?? {},
    limits: sharedLimits(limitOptions.safeParse(config['limits'] ?? {}).data ?? {}),
    documents: documentOptions.safeParse(config['documents'] ?? {}).data ?? {},
  };
  const variants = Object.entries(optionsOf(config['variants'])).map(
    ([name, own]) => [name, optionsOf(own)] as const,
  );
  const bounds = variants.flatMap(([name, own]) =>
    sectionNames.flatMap((section) => {
      const given = { ...shared[section], ...optionsOf(own[section]) };
      const parsed = variantSections[section].safeParse(given, { reportInput: true, error: wrongType });
      const issues = parsed.error?.issues ?? [];
      return issues.flatMap((issue) =>
        faultLines({ ...issue, path: ['variants', name, section, ...issue.path] }),
      );
    }),
  );
  const open = variants.filter(([, { introspection }]) => production && introspection === 'anyone');
  return [
    ...bounds,
    ...open.map(
      ([name]) => `variants.${name}.introspection: expected known or nobody in production, got 'anyone'`,
    ),
    ...clashes(variants.map(([name, own], index) => addressOf(name, own, index === 0))),
  ];
}

const sectionNames = ['pages', 'limits', 'documents'] as const;

/** Where a variant is served, as far as it can be read. */
interface VariantAddress {
  readonly name: string;
  readonly paths: readonly string[];
  readonly hosts: readonly unknown[];
  readonly header: Options | undefined;
}

function addressOf(name: string, own: Options, isFirst: boolean): VariantAddress {
  const paths = Array.isArray(own['paths']) ? own['paths'].map(String) : defaultPaths(name, isFirst);
  return {
    name,
    paths: paths.flatMap((path) => [path, `${path}/stream`]),
    hosts: Array.isArray(own['hosts']) ? own['hosts'] : [],
    header: isOptions(own['header']) ? own['header'] : undefined,
  };
}

/** Variants of which nothing says which one a request is for. */
function clashes(addresses: readonly VariantAddress[]): string[] {
  return addresses.flatMap((address, index) =>
    addresses.slice(index + 1).flatMap((other) => {
      const path = other.paths.find((each) => address.paths.includes(each));
      if (path === undefined || !areAlike(address, other)) return [];
      return [
        `variants.${other.name}: expected another path, host or header than that of "${address.name}", got ${path} for both`,
      ];
    }),
  );
}

/** The one that says more of a request has it; two that say as much must say different things. */
function areAlike(one: VariantAddress, other: VariantAddress): boolean {
  if (one.hosts.length > 0 !== other.hosts.length > 0) return false;
  if ((one.header === undefined) !== (other.header === undefined)) return false;
  if (one.hosts.length > 0 && !one.hosts.some((host) => other.hosts.includes(host))) return false;
  const { header: first } = one;
  const { header: second } = other;
  return !first || !second || first['name'] !== second['name'] || first['value'] === second['value'];
}

function defaultPaths(name: string, isFirst: boolean): readonly string[] {
  const own = `/${name}/graphql`;
  return isFirst ? ['/graphql', own] : [own];
}

type Options = Record<string, unknown>;

/** What is not the object that it should be stays as it is, for the table to refuse. */
function withEnvironment(config: unknown, environment: Environment): unknown {
  if (!isOptions(config)) return config;
  const merged: Options = { ...config };
  for (const [variable, { path, read }] of Object.entries(environmentTable)) {
    const text = environment[variable];
    const [section, option] = path;
    const options = merged[section] ?? {};
    if (text !== undefined && isOptions(options)) merged[section] = { ...options, [option]: read(text) };
  }
  if (isOptions(merged['upstreams'])) merged['upstreams'] = withTargets(merged['upstreams'], environment);
  return merged;
}

function withTargets(upstreams: Options, environment: Environment): Options {
  const entries = Object.entries(upstreams).map(([name, options]) => {
    const target = environment[upstreamPrefix + name.toUpperCase().replaceAll('-', '_')];
    return [name, target === undefined || !isOptions(options) ? options : { ...options, target }];
  });
  return Object.fromEntries(entries);
}

function variableFaults(upstreams: Options, environment: Environment): string[] {
  const own = Object.keys(environment).filter(
    (variable) => variable.startsWith(ownPrefix) && environment[variable] !== undefined,
  );
  return own.flatMap((variable) => {
    if (Object.hasOwn(environmentTable, variable) || variablesOfOthers.has(variable)) return [];
    if (!variable.startsWith(upstreamPrefix))
      return [`${variable}: unknown variable; see the README for those that there are`];
    const name = variable.slice(upstreamPrefix.length).toLowerCase().replaceAll('_', '-');
    if (Object.hasOwn(upstreams, name)) return [];
    const names = Object.keys(upstreams).join(', ') || 'there is none';
    return [`${variable}: expected the name of an upstream (${names}), got "${name}"`];
  });
}

function faultsOfUpstreams(upstreams: Options): string[] {
  return Object.entries(upstreams).flatMap(([name, options]) => {
    if (!isOptions(options)) return [];
    const at = `upstreams.${name}`;
    const own = ownUpstreamOptions.filter((option) => Object.hasOwn(options, option));
    if (own.length > 0) return own.map((option) => `${at}.${option}: unknown option; the gateway gives it`);
    const { idempotentMethods = [] } = options;
    if (!isMethodList(idempotentMethods))
      return [`${at}.idempotentMethods: expected an array of method definitions`];
    return upstreamFaults({ ...(options as unknown as UpstreamConfig), name, clock: systemClock }); // as: it takes any options
  });
}

function isMethodList(methods: unknown): boolean {
  return Array.isArray(methods) && methods.every((method) => typeof optionsOf(method)['path'] === 'string');
}

function identityFaults(identity: unknown, production: boolean): string[] {
  if (!isOptions(identity)) return [];
  const { keys, issuer, audience } = identity;
  if (typeof issuer !== 'string') return ['identity.issuer: expected the "iss" of the tokens'];
  if (typeof audience !== 'string' && !Array.isArray(audience))
    return ['identity.audience: expected the "aud" of the tokens'];
  if (!isOptions(keys))
    return [
      'identity.keys: expected { kind: "url", url }, { kind: "file", path } or { kind: "development" }',
    ];
  const config = identity as unknown as IdentityConfig; // as: tokenFaults and keyFaults look at the rest
  return [...tokenFaults(config), ...keyFaults(config.keys, production)].map((fault) => `identity.${fault}`);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** What is good enough for a developer's machine alone; keys and introspection are looked at with what else they are. */
function productionFaults(config: Options): string[] {
  const { cursors, server, upstreams } = config;
  return [
    ...secretFaults(optionsOf(cursors)),
    ...serverFaults(optionsOf(server)),
    ...Object.entries(optionsOf(upstreams)).flatMap(([name, options]) => {
      if (!isOptions(options) || typeof options['target'] !== 'string' || options['target'] === '') return [];
      const upstream = options as unknown as UpstreamConfig; // as: upstreamFaults looks at the rest
      return plainTextFault({ ...upstream, name }) ?? [];
    }),
  ];
}

function secretFaults({ secrets = [developmentSecret] }: Options): string[] {
  if (!Array.isArray(secrets) || !secrets.includes(developmentSecret)) return [];
  return [
    'cursors.secrets: expected secrets of your own in production (WEIR_CURSOR_SECRETS), got the development one',
  ];
}

function isOptions(value: unknown): value is Options {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function optionsOf(value: unknown): Options {
  return isOptions(value) ? value : {};
}

/** In the words of the other messages. */
function wrongType(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  return issue.expected === 'object' ? 'expected an object of options' : `expected ${issue.expected}`;
}

function faultLines(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(
      (key) => `${[...issue.path, key].join('.')}: unknown option; see the README for those that there are`,
    );
  const message = issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message;
  return [`${at || 'weir.config.ts'}: ${message}${gotten(issue)}`];
}

/** What came, on one line; a secret stays one even when it is faulty. */
function gotten({ input, path }: z.core.$ZodIssue): string {
  if (input === undefined || path[0] === 'cursors' || path[0] === 'redis') return '';
  return `, got ${inspect(input, { depth: 0, maxStringLength: 60, breakLength: Number.POSITIVE_INFINITY })}`;
}
