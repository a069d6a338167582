import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import type { WeirConfig } from '../config/config.ts';
import { StartError } from '../gateway.ts';

/** The configuration that a file exports, unchecked; throws {@link StartError} when there is none. */
export async function loadConfig(file: string): Promise<WeirConfig> {
  const path = resolve(file);
  if (!existsSync(path)) throw new StartError([`${file}: there is no such file; name another with --config`]);
  let module: { readonly default?: WeirConfig };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (cause) {
    // With its stack, for the fault is in the file or in what it imports.
    throw new StartError([`${file}: cannot be loaded: ${inspect(cause)}`], { cause });
  }
  if (module.default) return module.default;
  throw new StartError([
    `${file}: expected a default export, as in \`export default defineConfig({ … })\`, got none`,
  ]);
}
