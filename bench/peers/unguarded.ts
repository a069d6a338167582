// Loaded before a gateway's own code (--import): what guards an operation is replaced by what does nothing, and all else is
// the same. Documents are still parsed, validated and kept: without that there would be nothing to execute.
import { registerHooks } from 'node:module';

const replaced = ['operation/charging.ts', 'guard/shape/json-guard.ts', 'guard/shape/variables-guard.ts'];
const nothing = new URL('no-guard.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    const isReplaced = replaced.some((file) => resolved.url.endsWith(`/src/${file}`));
    return isReplaced ? { ...resolved, url: nothing } : resolved;
  },
});
