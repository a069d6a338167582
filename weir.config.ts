import { join } from 'node:path';
import { catalogReads } from './loaders/catalog.ts';
import { chatReads } from './loaders/chat.ts';
import { orderReads } from './loaders/orders.ts';
import { paymentReads } from './loaders/payments.ts';
import { userReads } from './loaders/users.ts';
import { schema } from './schema/index.ts';
import { defineConfig } from './src/index.ts';

/** Where `npm start` and `npm run upstreams` serve all five. */
const target = '127.0.0.1:50051';

/** What its clients were built with: `npm run generate` writes it. */
const manifestOf = (variant: string) => join(import.meta.dirname, `documents/${variant}.json`);

export default defineConfig({
  schema,
  variants: {
    web: { documents: { manifests: [manifestOf('web')] } },
    mobile: {
      documents: { manifests: [manifestOf('mobile')] },
      // A small screen, on a slow line: less at a time, and sooner an answer that something failed.
      pages: { defaultSize: 10, maxSize: 30 },
      limits: { maxDepth: 12, operationTimeoutMs: 4000 },
    },
  },
  upstreams: {
    catalog: { target, idempotentMethods: catalogReads },
    users: { target, idempotentMethods: userReads },
    orders: { target, idempotentMethods: orderReads },
    payments: { target, idempotentMethods: paymentReads },
    chat: { target, idempotentMethods: chatReads },
  },
});
