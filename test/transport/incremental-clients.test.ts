import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { fetchExchange, Client as UrqlClient } from '@urql/core';
import { expect, it } from 'vitest';
import { openTinyGateway } from '../kit/tiny-gateway.ts';

const on = { limits: { maxDeferredParts: 10 } };
const query = `query Page {
  fast
  ... @defer(label: "shelf") { shelf { label } }
  few(first: 3) { edges @stream(initialCount: 1, label: "few") { node { title } } }
}`;
const titles = ['Book 1', 'Book 2', 'Book 3'];

it.each([
  ['GraphQL17Alpha9Handler', () => new GraphQL17Alpha9Handler()],
  ['Defer20220824Handler', () => new Defer20220824Handler()],
] as const)('Apollo Client with its %s puts the whole answer together', async (_name, createHandler) => {
  await using tiny = await openTinyGateway(on);
  const client = new ApolloClient({
    link: new HttpLink({ uri: tiny.url }),
    cache: new InMemoryCache(),
    incrementalHandler: createHandler() as Defer20220824Handler, // as: Apollo's own types disagree under exactOptionalPropertyTypes
  });
  const { data } = await client.query({ query: gql(query), fetchPolicy: 'no-cache' });
  expect(data).toMatchObject({ fast: 'fast', shelf: { label: 'Shelf 1' } });
  expect(data).toMatchObject({ few: { edges: titles.map((title) => ({ node: { title } })) } });
  client.stop();
});

it('urql puts the whole answer together', async () => {
  await using tiny = await openTinyGateway(on);
  const client = new UrqlClient({ url: tiny.url, exchanges: [fetchExchange], preferGetMethod: false });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const { unsubscribe } = client.query(query, {}).subscribe(({ data, hasNext }) => {
    if (!hasNext) resolve(data);
  });
  const data = await promise;
  expect(data).toMatchObject({ fast: 'fast', shelf: { label: 'Shelf 1' } });
  expect(data).toMatchObject({ few: { edges: titles.map((title) => ({ node: { title } })) } });
  unsubscribe();
});
