import { schema } from './schema/index.ts';
import { defineConfig } from './src/index.ts';

/** Where `npm start` and `npm run upstreams` serve all five. */
const target = '127.0.0.1:50051';

export default defineConfig({
  schema,
  upstreams: {
    catalog: { target },
    users: { target },
    orders: { target },
    payments: { target },
    chat: { target },
  },
});
