import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditResult, serverAudits } from 'graphql-http';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { documentIdOf } from '../../src/guard/documents/document-id.ts';
import { audience, createIssuerKey, issuer, jwkSet, signToken } from '../identity/issuer.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { openTrustedGateway } from '../kit/trusted-gateway.ts';

/** What the audits ask, where it is valid. */
const documents = [
  '{ __typename }',
  'query Query { __typename }',
  'query Type($name: String!) { __type(name: $name) { name } }',
  '{ __type(name: "Run🏃Swim🏊") { name } }',
];

interface Asked {
  readonly manifest: Readonly<Record<string, string>>;
  /** Of the token that the audits are asked with; it is also what introspection needs in production. */
  readonly scope: string;
}

/** The audits that a gateway in production does not pass. */
async function refusedAudits({ manifest, scope }: Asked): Promise<readonly AuditResult[]> {
  const key = createIssuerKey('key-1');
  const folder = await mkdtemp(join(tmpdir(), 'weir-audits-'));
  const path = join(folder, 'keys.json');
  await writeFile(path, jwkSet(key));
  try {
    await using running = await openTrustedGateway(manifest, {
      identity: { issuer, audience, keys: { kind: 'file', path } },
      variants: { web: { introspection: 'known' } },
    });
    const token = await signToken(key, createFakeClock(systemClock.wallMs()), { claims: { scope } });
    const audits = serverAudits({
      url: running.url,
      fetchFn: (url: string, init: RequestInit = {}) =>
        fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
    });
    expect(audits).toHaveLength(61);
    const results = await Promise.all(audits.map(({ fn }) => fn()));
    return results.filter(({ status }) => status !== 'ok');
  } finally {
    await rm(folder, { recursive: true });
  }
}

const manifest = Object.fromEntries(documents.map((text) => [documentIdOf(text), text]));

/** A text that is in no manifest is 403 before anybody parses it, whatever is wrong with it. */
const notTrusted = ['572B', 'FDE2', '7B9B', '556A', '74FF', '86EE'];

/** A document that is in no manifest is not run by GET. */
const postOnly = ['5A70', 'D6D5', '6A70'];

describe('GraphQL over HTTP in production: every MUST, and all else', () => {
  it.each([
    ['for a client of trusted documents', { manifest, scope: 'things:read' }, notTrusted],
    ['for a caller who may send any document', { manifest: {}, scope: 'documents:any' }, postOnly],
    ['for one who may, of a graph that trusts these', { manifest, scope: 'documents:any' }, []],
  ])('%s, but what is refused on purpose', async (_who, asked, expected) => {
    const refused = await refusedAudits(asked);
    expect(refused.map(({ id }) => id)).toEqual(expected);
    expect(refused.filter(({ name }) => name.startsWith('MUST'))).toEqual([]);
  });
});
