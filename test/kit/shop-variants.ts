import { parseConfig } from '../../src/config/config.ts';
import type { VariantSettings } from '../../src/config/variant-settings.ts';
import config from '../../weir.config.ts';

const parsed = parseConfig(config, {});
if (!parsed.ok) throw new Error(parsed.faults.join('\n'));

/** The faces of the shop, as its gateway serves them outside production. */
export const shopVariants: readonly VariantSettings[] = parsed.settings.variants;

/** One of them by its name. */
export function shopVariant(name: string): VariantSettings {
  const found = shopVariants.find((variant) => variant.name === name);
  if (!found) throw new Error(`expected a variant, got "${name}"`);
  return found;
}
