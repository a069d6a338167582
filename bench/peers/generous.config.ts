import { createBudgetPolicy, defineConfig } from '../../src/index.ts';
import config from '../../weir.config.ts';

/** More than any machine can spend: one caller's load would empty the budget of one caller. Books are kept all the same. */
const endless = { limitPoints: 1e9, restorePerSecond: 1e6 };

export default defineConfig({
  ...config,
  policy: createBudgetPolicy({ principal: endless, anonymous: endless }),
});
