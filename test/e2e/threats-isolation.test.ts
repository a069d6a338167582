import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeNodeId } from '../../src/index.ts';
import { canariesIn, canary } from '../chaos/canary.ts';
import { startWatchedShop, type WatchedShop } from '../chaos/watched-shop.ts';
import { encodeJson } from '../identity/issuer.ts';
import { subscribeByWs } from '../kit/subscriber.ts';
import { type Answer, codesOf, post, preflighted, send } from '../kit/tiny-gateway.ts';
import { openWire } from '../transport/wire.ts';

let shop: WatchedShop;
/** `Bearer ` and a token of two users. */
let ann: string;
let bob: string;
/** One of the first one's orders. */
let order: string;

beforeAll(async () => {
  shop = await startWatchedShop();
  ann = await shop.bearerOf('user-1');
  bob = await shop.bearerOf('user-2');
  // A token that was verified is known, and so takes no turn of its own.
  for (const authorization of [ann, bob]) await ask('{ viewer { user { id } } }', {}, { authorization });
  const [row] = await shop.store.query<{ id: string }>(
    `SELECT id FROM orders WHERE customer_id = 'user-1' LIMIT 1`,
  );
  order = encodeNodeId('Order', row?.id ?? '');
});
afterAll(() => shop?.[Symbol.asyncDispose]());

beforeEach(() => {
  shop.served.length = 0;
  shop.lines.length = 0;
});
afterEach(() => shop.faults.clear());

function ask(query: string, variables: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
  return post(shop.url, { query, variables }, headers);
}

const product = encodeNodeId('Product', 'product-1');

/** The answers to operations that come in one packet, and so in one turn of the gateway. */
async function askAtOnce(asked: readonly (readonly [bearer: string, query: string])[]): Promise<string[]> {
  await using wire = await openWire(shop.url);
  const requests = asked.map(([bearer, query]) => {
    const body = JSON.stringify({ query: `${query.slice(0, -1)} last: __typename }` });
    const head = ['POST /graphql HTTP/1.1', 'Host: a', 'Content-Type: application/json'];
    return [...head, `Authorization: ${bearer}`, `Content-Length: ${Buffer.byteLength(body)}`, '', body];
  });
  wire.send(requests.map((lines) => lines.join('\r\n')).join(''));
  const all = await wire.until(new RegExp(`(?:"last":"\\w+"[^]*){${asked.length}}`));
  return all.split('HTTP/1.1 200 OK').slice(1);
}

const subjectsOf = (method: string) =>
  shop.served.flatMap((call) => (call.method === method ? [call.subject] : [])).sort();

describe('two users in one turn', () => {
  it('111: have a call each with their own metadata, though they ask for the same keys', async () => {
    const query = `{ order(id: "${order}") { id } user(id: "${encodeNodeId('User', 'user-1')}") { email }
      product(id: "${product}") { title } }`;
    const [one, other] = await askAtOnce([
      [ann, query],
      [bob, query],
    ]);
    expect(one).toContain(`"order":{"id":"${order}"}`);
    expect(one).toContain('@');
    expect(other).toContain('"order":null');
    expect(other).toContain('"email":null');
    expect(subjectsOf('OrderService/BatchGetOrders')).toEqual(['user-1', 'user-2']);
    expect(subjectsOf('UserService/BatchGetUsers')).toEqual(['user-1', 'user-2']);
    // What is declared for everybody was one call, which tells of nobody: so they were in one turn.
    expect(subjectsOf('CatalogService/BatchGetProducts')).toEqual([null]);
  });

  it('114: share no answer to the same text, and a mutation is done as often as it is sent', async () => {
    const own = await askAtOnce([
      [ann, '{ viewer { user { id } } }'],
      [bob, '{ viewer { user { id } } }'],
    ]);
    expect(own.map((text) => /"id":"([^"]+)"/.exec(text)?.[1])).toEqual(
      ['user-1', 'user-2'].map((id) => encodeNodeId('User', id)),
    );
    const [row] = await shop.store.query<{ id: string }>(
      `SELECT room_id AS id FROM room_members WHERE user_id = 'user-1' LIMIT 1`,
    );
    const room = encodeNodeId('Room', row?.id ?? '');
    const mutation = `mutation { sendMessage(input: { room: "${room}", text: "twice" }) { message { id } } }`;
    const sent = await askAtOnce([
      [ann, mutation],
      [ann, mutation],
    ]);
    expect(new Set(sent.map((text) => /"id":"([^"]+)"/.exec(text)?.[1])).size).toBe(2);
    expect(subjectsOf('ChatService/SendMessage')).toEqual(['user-1', 'user-1']);
  });
});

describe('what somebody may not know', () => {
  const user = (id: string) => encodeNodeId('User', id);
  const orders = (id: string, more = '') =>
    `{ orders(first: 1, filter: { customer: "${user(id)}" }${more}) { edges { cursor } } }`;
  const cancel = (id: string) => `mutation { cancelOrder(input: { order: "${id}" }) { __typename } }`;
  const absent = encodeNodeId('Order', 'order-0');

  it.each<readonly [string, () => string | undefined, () => string, string]>([
    ['whether a user is there', () => bob, () => orders('user-1'), orders('user-0')],
    ['whether a user is there, to nobody', () => undefined, () => orders('user-1'), orders('user-0')],
    [
      'whether arguments are good',
      () => undefined,
      () => orders('user-1'),
      orders('user-1', ', after: "bad"'),
    ],
    ['whether an order is there', () => bob, () => cancel(order), cancel(absent)],
    ['whether an order is there, to nobody', () => undefined, () => cancel(order), cancel(absent)],
    ['whether a document is good', () => 'Bearer a.b.c', () => orders('user-1'), '{ x'],
  ])('117: is told in one way: %s', async (_what, bearer, one, other) => {
    const authorization = bearer();
    const told = async (query: string) => {
      shop.served.length = 0;
      const { status, text, headers } = await ask(query, {}, authorization ? { authorization } : {});
      const names = [...headers.keys()].filter((name) => name !== 'date');
      // Where it stands in the document is the document's own affair.
      const said = text.replaceAll(/"column":\d+/g, '').replaceAll(/"cost":\{.*\}/g, '');
      return { status, said, names, calls: shop.served.map(({ method }) => method) };
    };
    const expected = await told(one());
    expect(expected.said).toMatch(/"code":"(FORBIDDEN|UNAUTHENTICATED|NOT_FOUND)"/);
    expect(await told(other)).toEqual(expected);
  });

  it('117: is told in one way to who would listen for it', async () => {
    const token = bob.replace('Bearer ', '');
    const told = await Promise.all(
      ['user-1', 'user-0'].map(async (id) => {
        const query = `subscription { orders(customer: "${user(id)}") { state } }`;
        await using subscriber = subscribeByWs(shop.url, { query, token });
        return JSON.stringify(await subscriber.ended);
      }),
    );
    expect(told[0]).toContain('FORBIDDEN');
    expect(told[1]).toBe(told[0]);
    expect(shop.served).toEqual([]);
  });
});

describe('what is inside', () => {
  /** What tells of the machine, the code or the database. */
  const inside =
    /select |relation|payments_gone|postgres|sql|node_modules|\.[jt]s\b|\n\s+at |grpc|:\d{4,5}\b/i;

  it('116: a database that fails is told to nobody, and to the operator without a value', async () => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {});
    await shop.store.query('ALTER TABLE payments RENAME TO payments_gone');
    const id = encodeNodeId('Payment', 'payment-4711');
    const { text, headers, status } = await ask(
      'query ($id: ID!) { payment(id: $id) { id } }',
      { id },
      { authorization: ann },
    ).finally(() => shop.store.query('ALTER TABLE payments_gone RENAME TO payments'));
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      data: { payment: null },
      errors: [
        { message: 'Something went wrong on our side.', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
      ],
    });
    expect(text).not.toMatch(inside);
    expect(JSON.stringify([...headers])).not.toMatch(inside);
    const lines = shop.lines.join('\n');
    expect(lines).toContain('field failed');
    expect(lines).not.toMatch(/payment-4711|payments_gone|select /i);
    // The service, whose database it is, says it where it runs.
    expect(String(told.mock.calls)).toContain('relation "payments" does not exist');
    told.mockRestore();
  });

  it.each([
    [
      'an operation',
      ['POST /graphql HTTP/1.1', 'Content-Length: 2', 'Content-Type: application/json', '', '{}'],
    ],
    ['an address that is not there', ['GET /nothing HTTP/1.1', '', '']],
    ['a method that is not taken', ['DELETE /graphql HTTP/1.1', '', '']],
    ['no WebSocket', ['GET /graphql HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket', '', '']],
    ['a header that is none', ['GET / HTTP/1.1', 'a b: c', '', '']],
    ['another protocol', ['\x16\x03\x01\x02\x00', '', '']],
    ['too many headers', ['GET / HTTP/1.1', `a: ${'x'.repeat(20_000)}`, '', '']],
  ])('116: no answer to %s names what serves it', async (_what, [first = '', ...lines]) => {
    await using wire = await openWire(shop.url);
    wire.send(first, 'Host: a', 'Connection: close', ...lines);
    const answer = await wire.closed;
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).not.toMatch(/^(server|x-powered-by|via|x-[a-z-]*(version|runtime|backend)[a-z-]*):/im);
    expect(answer).not.toMatch(/node\b|yoga|envelop|express|weir\/|v\d+\.\d+/i);
  });
});

describe('what a caller says', () => {
  const secret = { q: canary };
  const search = 'query ($q: String) { products(first: 1, filter: { query: $q }) { edges { node { id } } } }';
  const write = `mutation ($q: String!, $room: ID!) {
    sendMessage(input: { room: $room, text: $q }) { message { id } } updateProfile(input: { biography: $q }) { user { id } } }`;
  const room = encodeNodeId('Room', canary);

  it('118: is in no log and no metric: values, secrets and tokens, whatever becomes of the operation', async () => {
    const asked: readonly (() => Promise<Answer>)[] = [
      () => ask(search, secret),
      () => ask(search.replace('$q: String', '$q: Int'), secret),
      () => ask(`{ products(first: 1, filter: { query: "${canary}" }) { edges { cursor } } }`),
      () => ask(`{ products(first: 1, filter: { inStock: "${canary}" }) { edges { cursor } } }`),
      () => ask(`{ products(filter: { query: "${canary}`),
      () => ask('query ($q: ProductOrder!) { products(first: 1, order: $q) { edges { cursor } } }', secret),
      () => ask('query ($q: ID!) { node(id: $q) { id } }', { q: room }, { authorization: ann }),
      () => ask(write, { ...secret, room }, { authorization: ann }),
      () => ask(write, { ...secret, room }, { authorization: ann, 'idempotency-key': canary }),
      () => ask('{ __typename }', {}, { authorization: `Bearer ${canary}` }),
      () =>
        ask('{ __typename }', {}, { authorization: `Bearer ${encodeJson(secret)}.${encodeJson(secret)}.AA` }),
      () => ask('{ __typename }', {}, { cookie: canary, 'x-api-key': canary, 'last-event-id': canary }),
      () => ask('{ __typename }', {}, { traceparent: canary, tracestate: canary, baggage: canary }),
      () => post(shop.url, { query: '{ __typename }', extensions: { resume: canary, token: canary } }),
      () => post(shop.url, { documentId: canary }),
      () => post(shop.url, `{"query":"${canary}`),
      () => send(`${shop.url}?query={__typename}&token=${canary}`, { headers: preflighted }),
      () => send(`${new URL(shop.url).origin}/${canary}`),
    ];
    for (const fault of [undefined, 'INTERNAL'] as const) {
      if (fault)
        for (const method of [
          'CatalogService/ListProducts',
          'ChatService/SendMessage',
          'UserService/UpdateUser',
        ])
          shop.faults.set(method, { code: fault });
      for (const one of asked) await one();
    }
    await using subscriber = subscribeByWs(shop.url, {
      query: 'subscription { orders { state } }',
      token: canary,
    });
    await subscriber.ended;
    expect(shop.lines.length).toBeGreaterThan(20);
    expect(shop.lines.filter((line) => canariesIn(line).length > 0)).toEqual([]);
    expect(canariesIn(await (await fetch(`${shop.adminUrl}/metrics`)).text())).toEqual([]);
  });

  it('118: would be found there: what names a request is in its lines', async () => {
    await ask('{ __typename }', {}, { 'x-request-id': canary });
    expect(shop.lines.filter((line) => canariesIn(line).length > 0)).not.toEqual([]);
  });
});

describe('an address that a caller gives', () => {
  it('121: is never called', async () => {
    let connections = 0;
    await using server = createServer((_request, response) => response.end('{"keys":[]}'));
    server.on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // as: TCP
    const url = `http://127.0.0.1:${port}/keys`;
    const avatar = 'mutation ($url: URL!) { updateProfile(input: { avatar: $url }) { user { avatar } } }';
    const changed = await ask(avatar, { url }, { authorization: ann });
    expect(changed.json).toMatchObject({ data: { updateProfile: { user: { avatar: url } } } });
    const claims = { sub: 'user-1', iss: url, aud: 'weir' };
    for (const header of [{ jku: url }, { x5u: url }, { kid: url }]) {
      const token = `${encodeJson({ alg: 'EdDSA', typ: 'at+jwt', ...header })}.${encodeJson(claims)}.AA`;
      expect((await ask('{ __typename }', {}, { authorization: `Bearer ${token}` })).status).toBe(401);
    }
    const forwarded = {
      'x-forwarded-host': `127.0.0.1:${port}`,
      forwarded: `host=127.0.0.1:${port}`,
      origin: url,
    };
    await ask(`{ product(id: "${product}") { title } }`, {}, forwarded);
    expect(codesOf(await post(shop.url, { documentId: url }))).toEqual(['DOCUMENT_NOT_FOUND']);
    expect(connections).toBe(0);
    await fetch(url);
    expect(connections).toBe(1);
  });
});
