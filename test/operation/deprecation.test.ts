import SchemaBuilder from '@pothos/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { signDevelopmentToken } from '../../src/identity/development-keys.ts';
import { createGateway, type Gateway, weirPluginName } from '../../src/index.ts';
import { subscribeByWs } from '../kit/subscriber.ts';
import { createCollectingLog, post, send } from '../kit/tiny-gateway.ts';

const log = createCollectingLog();
const gateways: Gateway[] = [];
let url: string;
let adminUrl: string;
let linkedUrl: string;

const none = { deprecation: null, sunset: null, link: null };
const november = { ...none, deprecation: '@1793491200', sunset: 'Mon, 01 Mar 2027 00:00:00 GMT' };
const january = { ...none, deprecation: '@1767225600', sunset: 'Tue, 01 Jun 2027 00:00:00 GMT' };

beforeAll(async () => {
  const open = async (deprecation: { readonly url?: string }) => {
    const gateway = createGateway(
      { schema: buildGraph(), upstreams: {}, server: { port: 0, adminPort: 0 }, deprecation },
      { log },
    );
    gateways.push(gateway);
    return gateway.start();
  };
  ({ url, adminUrl } = await open({}));
  ({ url: linkedUrl } = await open({ url: 'https://graph.example.com/old' }));
});
afterAll(() => Promise.all(gateways.map((gateway) => gateway.close())));

describe('an answer to an operation that uses something deprecated', () => {
  it.each([
    ['{ name }', {}, none],
    ['{ old }', {}, november],
    ['{ older }', {}, january],
    ['{ old older }', {}, { ...january, sunset: november.sunset }],
    ['{ a: old @include(if: false) }', {}, november],
    [
      '{ ...Both } fragment Both on Query { ...One older } fragment One on Query { old }',
      {},
      { ...january, sunset: november.sunset },
    ],
    ['query ($n: Int) { paint(old: $n) }', { n: 1 }, november],
    ['query ($paint: Paint) { paint(paint: $paint) }', { paint: { color: 'BLUE' } }, none],
    ['query ($paint: Paint) { paint(paint: $paint) }', { paint: { color: 'RED' } }, november],
    ['{ paint(paint: { gloss: 1, color: RED }) }', {}, { ...january, sunset: november.sunset }],
    ['mutation { change }', {}, november],
  ])('tells %s with %j by its headers', async (query, variables, headers) => {
    const { status, headers: got, json } = await post(url, { query, variables });
    expect({ status, errors: json.errors }).toEqual({ status: 200, errors: undefined });
    expect(headersOf(got)).toEqual(headers);
  });

  it('names the operation that ran, and the page that tells more', async () => {
    const query = 'query New { name } query Old { old }';
    const of = async (operationName: string) =>
      headersOf((await post(linkedUrl, { query, operationName })).headers);
    expect(await of('New')).toEqual(none);
    expect(await of('Old')).toEqual({
      ...november,
      link: '<https://graph.example.com/old>; rel="deprecation"',
    });
  });

  it('tells so too when it is refused, priced alone or an event stream', async () => {
    const refused = await post(url, { query: '{ old many }' });
    expect(refused.json.errors?.[0]?.extensions.code).toBe('COST_LIMIT_EXCEEDED');
    expect(headersOf(refused.headers)).toEqual(november);
    const priced = await post(url, { query: '{ old }' }, { 'graphql-cost': 'validate' });
    expect(headersOf(priced.headers)).toEqual(november);
    const stream = await send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { ticks }' }),
    });
    expect(headersOf(stream.headers)).toEqual(january);
  });

  it('is counted by field, document and client, and told in the line of the operation', async () => {
    const token = await signDevelopmentToken(
      { sub: 'user-1', issuer: 'weir-development', audience: 'weir', claims: { client_id: 'till 7' } },
      systemClock,
    );
    const query = 'query Counted { old older again: old }';
    await post(url, { query }, { authorization: `Bearer ${token}` });
    await post(url, { query }, { authorization: `Bearer ${token}` });
    await post(url, { query: '{ older name }' });
    const lines = (await (await fetch(`${adminUrl}/metrics`)).text()).split('\n');
    expect(lines.filter((line) => line.includes('Counted')).sort()).toEqual([
      'weir_deprecated_uses_total{field="Query.old",document="Counted",client="till 7"} 2',
      'weir_deprecated_uses_total{field="Query.older",document="Counted",client="till 7"} 2',
    ]);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^weir_deprecated_uses_total\{field="Query.older",document="sha256:[0-9a-f]{12}",client="anonymous"\} \d+$/,
      ),
    );
    const told = log.operations.filter(({ operation }) => operation === 'Counted');
    expect(told.map(({ deprecated }) => deprecated)).toEqual([
      ['Query.old', 'Query.older'],
      ['Query.old', 'Query.older'],
    ]);
    expect(log.operations.some((line) => line['operation'] === 'New' && 'deprecated' in line)).toBe(false);
  });

  it('is counted over WebSocket, where there are no headers', async () => {
    await using subscriber = subscribeByWs(url, { query: 'subscription Socket { ticks }' });
    expect(await subscriber.next()).toMatchObject({ data: { ticks: 1 } });
    await subscriber.ended;
    expect(await (await fetch(`${adminUrl}/metrics`)).text()).toContain(
      'weir_deprecated_uses_total{field="Subscription.ticks",document="Socket",client="anonymous"} 1',
    );
  });
});

function headersOf(headers: Headers): Readonly<Record<keyof typeof none, string | null>> {
  return {
    deprecation: headers.get('deprecation'),
    sunset: headers.get('sunset'),
    link: headers.get('link'),
  };
}

function buildGraph() {
  const builder = new SchemaBuilder<{ DefaultFieldNullability: true }>({
    plugins: [weirPluginName],
    // The shop's schema brings the plugins that ask for these, in the types of this program.
    scopeAuth: { authScopes: () => ({}) },
    relay: {},
  });
  const deprecated = { reason: 'Use `name`.', since: '2026-11-01', removal: '2027-03-01' };
  const earlier = { reason: 'Use `name`.', since: '2026-01-01', removal: '2027-06-01' };
  const Color = builder.enumType('Color', { values: { RED: { deprecated }, BLUE: {} } });
  const Paint = builder.inputType('Paint', {
    fields: (t) => ({ color: t.field({ type: Color }), gloss: t.int({ deprecated: earlier }) }),
  });
  builder.queryType({
    fields: (t) => ({
      name: t.string({ resolve: () => 'a' }),
      old: t.string({ deprecated, resolve: () => 'b' }),
      older: t.string({ deprecated: earlier, resolve: () => 'c' }),
      many: t.int({ cost: 5000, resolve: () => 1 }),
      paint: t.int({
        args: { paint: t.arg({ type: Paint }), old: t.arg.int({ deprecated }) },
        resolve: () => 1,
      }),
    }),
  });
  builder.mutationType({ fields: (t) => ({ change: t.int({ deprecated, resolve: () => 1 }) }) });
  builder.subscriptionType({
    fields: (t) => ({
      ticks: t.int({
        deprecated: earlier,
        subscribe: async function* () {
          yield 1;
        },
        resolve: (tick) => Number(tick),
      }),
    }),
  });
  return builder.toSchema();
}
