import { join } from 'node:path';
import generous from './generous.config.ts';

const { variants } = generous;

/** The gateway with the page of orders among its trusted documents; others are run too. */
export default {
  ...generous,
  variants: {
    ...variants,
    web: { ...variants?.['web'], documents: { manifests: [join(import.meta.dirname, 'documents')] } },
  },
};
