import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTinyGateway, preflighted, type TinyGateway } from '../kit/tiny-gateway.ts';

const auditCount = 61;

let running: TinyGateway;
const audits = serverAudits({
  url: () => running.url,
  // A document in a URL needs a header that no foreign page can send: see originOf.
  fetchFn: (url: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { ...init.headers, ...preflighted } }),
});

describe('GraphQL over HTTP', () => {
  beforeAll(async () => {
    running = await openTinyGateway();
  });
  afterAll(() => running[Symbol.asyncDispose]());

  it('is audited whole', () => {
    expect(audits).toHaveLength(auditCount);
  });

  it.each(audits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))(
    '%s',
    async (_name, audit) => {
      expect(await audit.fn()).toMatchObject({ status: 'ok' });
    },
  );
});
