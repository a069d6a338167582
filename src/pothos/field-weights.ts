import { PothosSchemaError } from '@pothos/core';
import type { FieldCall, ListSize, Weights } from '../guard/cost/weights.ts';
import { weightsExtension } from '../guard/cost/weights.ts';
import type { CallOption, PageSizes } from './options.ts';

/** Any part of a schema while it is built: Pothos keeps what its author wrote beside what it makes of it. */
interface Configured {
  readonly extensions?: object | null | undefined;
  readonly pothosOptions: object;
}

/** What a field says of its price. */
export interface FieldPrice {
  readonly cost?: number;
  readonly listSize?: ListSize;
  readonly pageSize?: PageSizes;
  readonly calls?: readonly CallOption[];
}

/** How long a connection's page is: by its arguments, else the gateway's default (Relay Cursor Connections). */
const connectionSize = {
  slicingArguments: ['first', 'last'],
  sizedFields: ['edges'],
  requireOneSlicingArgument: false,
} as const satisfies ListSize;

/** A config with weights in its extensions; the same one where there are none. */
export function withWeights<Config extends Configured>(config: Config, weights: Weights): Config {
  if (Object.keys(weights).length === 0) return config;
  return { ...config, extensions: { ...config.extensions, [weightsExtension]: weights } };
}

/** The `cost` of an element's options; throws PothosSchemaError for one that is no finite number. */
export function costOption({ pothosOptions }: Configured, coordinate: string): { readonly cost?: number } {
  const cost: unknown = 'cost' in pothosOptions ? pothosOptions.cost : undefined;
  if (cost === undefined) return {};
  if (typeof cost === 'number' && Number.isFinite(cost)) return { cost };
  throw new PothosSchemaError(`${coordinate}: expected "cost" to be a finite number, got ${String(cost)}.`);
}

/** Throws PothosSchemaError where IBM's `@cost` may not stand. */
export function assertNoCost({ pothosOptions }: Configured, element: string): void {
  if (!('cost' in pothosOptions) || pothosOptions.cost === undefined) return;
  throw new PothosSchemaError(
    `${element} cannot have a "cost": it goes on object types, their fields, arguments, input fields, enums and scalars (IBM GraphQL Cost Directives).`,
  );
}

/**
 * The list size and calls of a field. A connection's size is made of its page arguments, unless it gives its own. Throws
 * PothosSchemaError for a page size of something else, and for a loader that does not say which RPC it makes.
 */
export function fieldWeights(price: FieldPrice, coordinate: string, isConnection: boolean): Weights {
  const { calls } = price;
  const listSize = sizeOf(price, coordinate, isConnection);
  return {
    ...(listSize && { listSize }),
    ...(calls && { calls: calls.map((option) => callFrom(option, coordinate)) }),
  };
}

function sizeOf(
  { listSize, pageSize }: FieldPrice,
  coordinate: string,
  isConnection: boolean,
): ListSize | undefined {
  if (!pageSize) return listSize ?? (isConnection ? connectionSize : undefined);
  if (!isConnection || listSize)
    throw new PothosSchemaError(
      `${coordinate}: expected "pageSize" on a connection without a "listSize" of its own.`,
    );
  const { default: defaultSize, maximum } = pageSize;
  if (
    !Number.isInteger(defaultSize) ||
    !Number.isInteger(maximum) ||
    defaultSize < 1 ||
    maximum < defaultSize
  )
    throw new PothosSchemaError(
      `${coordinate}: expected "pageSize" to be whole numbers with 1 <= default <= maximum, got default ${defaultSize} and maximum ${maximum}.`,
    );
  return { ...connectionSize, defaultSize, maximum };
}

function callFrom(option: CallOption, coordinate: string): FieldCall {
  if (!('name' in option)) return option;
  const { name, maxBatchSize, upstream, method, keys, call, perKey } = option;
  if (!upstream || !method)
    throw new PothosSchemaError(
      `${coordinate}: the loader "${name}" of "calls" does not say which RPC it makes: give defineLoader "upstream" and "method".`,
    );
  return {
    upstream,
    method,
    loader: name,
    maxBatchSize,
    ...(keys && { keys }),
    ...(call !== undefined && { call }),
    ...(perKey !== undefined && { perKey }),
  };
}
