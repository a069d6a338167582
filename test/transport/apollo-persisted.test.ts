import { hash } from 'node:crypto';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { print } from 'graphql';
import { describe, expect, it } from 'vitest';
import { documentIdOf } from '../../src/guard/documents/document-id.ts';
import type { WeirConfig } from '../../src/index.ts';
import { preflighted } from '../kit/tiny-gateway.ts';
import { openTrustedGateway, production } from '../kit/trusted-gateway.ts';

/** As the cache makes it before it is sent. */
const fast = gql`query Fast { fast }`;
const other = gql`query Other { fast }`;

/** Apollo Client with its link, and the members that each of its requests had. */
function clientOf(url: string, useGETForHashedQueries = false) {
  const sent: string[] = [];
  const persisted = new PersistedQueryLink({
    sha256: (text) => hash('sha256', text),
    useGETForHashedQueries,
  });
  const http = new HttpLink({
    uri: url,
    headers: preflighted,
    fetch: async (target, init) => {
      const members: Record<string, unknown> =
        init?.method === 'GET'
          ? Object.fromEntries(new URL(String(target)).searchParams)
          : JSON.parse(String(init?.body));
      const hasHash = JSON.stringify(members['extensions'])?.includes('sha256Hash');
      const named = [...(members['query'] ? ['query'] : []), ...(hasHash ? ['extensions'] : [])];
      const response = await fetch(target, init);
      sent.push(`${init?.method} ${named.join(' ')}: ${response.status}`);
      return response;
    },
  });
  const client = new ApolloClient({ link: persisted.concat(http), cache: new InMemoryCache() });
  const ask = async (query: typeof fast) => {
    const { data, error } = await client.query<{ fast: string }>({
      query,
      fetchPolicy: 'no-cache',
      errorPolicy: 'all',
    });
    return data?.fast ?? error?.message;
  };
  return { ask, sent };
}

const open = (config: Partial<WeirConfig>, environment: Record<string, string> = {}) =>
  openTrustedGateway({ [documentIdOf(print(fast))]: print(fast) }, config, { environment });

const automatic = { documents: { automaticMaxDocuments: 100 } };

describe("Apollo Client's persisted queries", () => {
  it('are taken once where automatic documents are on', async () => {
    await using tiny = await open(automatic);
    const { ask, sent } = clientOf(tiny.url);
    expect([await ask(other), await ask(other), await ask(fast)]).toEqual(['fast', 'fast', 'fast']);
    expect(sent).toEqual([
      'POST extensions: 404',
      'POST query extensions: 200',
      'POST extensions: 200',
      // Known by its manifest.
      'POST extensions: 200',
    ]);
    const second = clientOf(tiny.url);
    expect(await second.ask(other)).toBe('fast');
    expect(second.sent).toEqual(['POST extensions: 200']);
  });

  it('go by GET where the client wants that', async () => {
    await using tiny = await open(automatic);
    const { ask, sent } = clientOf(tiny.url, true);
    expect([await ask(other), await ask(other)]).toEqual(['fast', 'fast']);
    expect(sent).toEqual(['GET extensions: 404', 'POST query extensions: 200', 'GET extensions: 200']);
  });

  it('are given up at once where automatic documents are off', async () => {
    await using tiny = await open({});
    const { ask, sent } = clientOf(tiny.url);
    expect([await ask(other), await ask(other)]).toEqual(['fast', 'fast']);
    expect(sent).toEqual(['POST extensions: 400', 'POST query: 200', 'POST query: 200']);
  });

  it('find trusted documents in production and register nothing, whatever is turned on', async () => {
    await using tiny = await open(automatic, production);
    const { ask, sent } = clientOf(tiny.url, true);
    expect(await ask(fast)).toBe('fast');
    expect(await ask(other)).toBe('No document is known by this id.');
    expect(await ask(fast)).toBe('fast');
    expect(sent).toEqual(['GET extensions: 200', 'GET extensions: 404', 'GET extensions: 200']);
    expect(tiny.probe.contexts).toHaveLength(2);
  });
});
