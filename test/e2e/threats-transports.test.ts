import type { ExecutionResult, GraphQLError } from 'graphql';
import { createClient } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { shapeLimits } from '../../src/guard/shape/limits.ts';
import type { Threat } from '../kit/threat.ts';
import { codesOf, openTinyGateway, post, send, type TinyGateway } from '../kit/tiny-gateway.ts';

const repeat = (count: number, part: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => part(at)).join(' ');

/** One attack for each code of the guard. */
const threats: readonly (readonly [string, Threat])[] = [
  ['TOKEN_LIMIT', { query: `{ ${repeat(2000, () => 'fast')} }` }],
  ['DEPTH_LIMIT', { query: `{ ${'a{'.repeat(20)}b${'}'.repeat(20)} }` }],
  ['LITERAL_DEPTH', { query: `{ fail(kind: ${'['.repeat(11)}${']'.repeat(11)}) }` }],
  ['ALIAS_LIMIT', { query: `{ ${repeat(31, (at) => `a${at}: fast`)} }` }],
  ['ROOT_FIELD_LIMIT', { query: `mutation { ${repeat(6, (at) => `a${at}: touch`)} }` }],
  ['DIRECTIVE_LIMIT', { query: `{ fast ${repeat(21, () => '@skip(if: false)')} }` }],
  ['FRAGMENT_LIMIT', { query: `{ fast } ${repeat(51, (at) => `fragment f${at} on Query { fast }`)}` }],
  ['VARIABLE_LIMIT', { query: `query (${repeat(101, (at) => `$v${at}: Int`)}) { fast }` }],
  ['VARIABLE_LIMIT', { query: '{ fast }', variables: { a: 'é'.repeat(500) } }],
  ['LIST_ARG_LIMIT', { query: '{ fast }', variables: { a: Array.from({ length: 501 }, () => 1) } }],
  ['TOO_MANY_ERRORS', { query: `{ book(id: 1) { ${repeat(60, (at) => `u${at}`)} } }` }],
];

type Ask = (tiny: TinyGateway, threat: Threat) => Promise<readonly unknown[]>;

/** The codes of an answer, by what carried it. */
const transports: Readonly<Record<string, Ask>> = {
  HTTP: async ({ url }, threat) => codesOf(await post(url, threat)),
  'an event stream': async ({ url }, threat) => {
    const body = JSON.stringify(threat);
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const { text } = await send(url, { method: 'POST', headers, body });
    const data = text.startsWith('{') ? text : (/^data: ?(\{.*)$/m.exec(text)?.[1] ?? '');
    return codesOfResult(JSON.parse(data));
  },
  WebSocket: async ({ url }, threat) => {
    const client = createClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    });
    try {
      const results = client.iterate({
        query: threat.query,
        variables: threat.variables as Record<string, unknown>,
      }); // as: JSON
      const { value } = await results.next().catch((errors: unknown) => ({ value: { errors } }));
      // The socket is still there for a good operation.
      const good = await client.iterate({ query: '{ fast }' }).next();
      expect(good.value).toEqual({ data: { fast: 'fast' } });
      return codesOfResult(value);
    } finally {
      await client.dispose();
    }
  },
};

function codesOfResult({ errors = [] }: ExecutionResult): readonly unknown[] {
  return (Array.isArray(errors) ? errors : [errors]).map(
    (error: GraphQLError) => error.extensions?.['code'] ?? error,
  );
}

describe.each(Object.entries(transports))('over %s', (_name, ask) => {
  it.each(threats)('an operation is refused as %s', async (code, threat) => {
    // A frame of WebSocket may be no longer than variables are by default.
    await using tiny = await openTinyGateway({ limits: { variablesMaxBytes: 1000 } });
    const codes = await ask(tiny, threat);
    expect(codes.at(-1)).toBe(code);
    expect(codes).toHaveLength(code === 'TOO_MANY_ERRORS' ? 51 : 1);
    expect(tiny.probe.touches).toBe(0);
  });
});

describe('bounds as wide as they may be', () => {
  const widest = Object.fromEntries(Object.entries(shapeLimits).map(([name, { max }]) => [name, max]));

  it.each([
    ['braces', '{a'.repeat(9000)],
    ['closed braces', `${'{a'.repeat(6000)}${'}'.repeat(6000)}`],
    ['inline fragments', `${'{...'.repeat(6000)}`],
    ['lists', `{ fail(kind: ${'['.repeat(19_000)}`],
    ['objects', `{ fail(kind: ${'{a:'.repeat(6000)}`],
    ['lists of types', `query ($a: ${'['.repeat(19_000)}`],
    [
      'fragments',
      `{...f0} ${repeat(900, (at) => `fragment f${at} on Query {...{...f${at + 1}}}`)} fragment f900 on Query { fast }`,
    ],
    [
      'a circle of fragments',
      `{...f0} ${repeat(900, (at) => `fragment f${at} on Query {...f${(at + 1) % 900}}`)}`,
    ],
    ['type definitions', `type A { a(b: C = ${'['.repeat(19_000)}`],
  ])('never let %s overflow the stack', async (_what, query) => {
    await using tiny = await openTinyGateway({ limits: widest });
    const answer = await tiny.ask(query);
    expect(answer.status).toBe(400);
    expect(codesOf(answer)).not.toContain('INTERNAL_SERVER_ERROR');
    expect(tiny.log.lines).toEqual([]);
  });
});
