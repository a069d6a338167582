import { z } from 'zod';
import { type ShapeLimit, type ShapeLimitName, shapeLimits } from '../guard/shape/limits.ts';
import { whole } from '../whole.ts';
import { documentOptions } from './document-options.ts';
import { realtimeOptions } from './realtime-options.ts';
import { serverOptions, tlsOptions } from './server-options.ts';

/** Signs cursors outside production only: anybody can read it here. */
export const developmentSecret = 'weir-development-secret-not-for-production';

const budgetModes = ['off', 'measure', 'enforce'] as const;
const logLevels = ['silent', 'error', 'warn', 'info'] as const;

/** The bounds of the guard have one table of their own. */
function shapeOptions(): Readonly<Record<ShapeLimitName, ReturnType<typeof whole>>> {
  const limits: [string, ShapeLimit][] = Object.entries(shapeLimits);
  const options = limits.map(([name, { default: fallback, min, max, description }]) => [
    name,
    whole(min, max, fallback).describe(description),
  ]);
  return Object.fromEntries(options);
}

/** The section `limits`: bounds of one operation. */
export const limitOptions = z.strictObject({
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

/** The section `pages`: rows of lists. */
export const pageOptions = z
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
