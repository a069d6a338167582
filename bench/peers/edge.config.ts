import trusted from './trusted.config.ts';

/** The gateway with trusted documents, behind a proxy of this machine; it looks for new certificates all the time. */
export default {
  ...trusted,
  server: { trustedProxies: ['127.0.0.1'], maxRequestsPerConnection: 10_000_000 },
  tls: { reloadMs: 100 },
};
