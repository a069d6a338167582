import { PothosSchemaError } from '@pothos/core';
import { variantsExtension } from '../guard/visibility/shown.ts';

/** Options of whatever may be shown in some variants only. */
export interface Shown {
  /** Names of the variants that show it: elsewhere it does not exist. Default: all. */
  readonly variants?: readonly string[] | undefined;
}

/** A config with its `variants` option in its extensions; the same one without. Throws PothosSchemaError for no names. */
export function withVariants<Config extends { readonly extensions?: object | null | undefined }>(
  config: Config,
  options: object,
  coordinate: string,
): Config {
  const { variants }: Shown = options;
  if (variants === undefined) return config;
  if (!Array.isArray(variants) || variants.length === 0 || !variants.every(isName))
    throw new PothosSchemaError(`${coordinate}: expected "variants" to be names of variants, at least one.`);
  return { ...config, extensions: { ...config.extensions, [variantsExtension]: [...variants] } };
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && name !== '';
}
