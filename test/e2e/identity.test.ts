import { createHmac, type KeyObject } from 'node:crypto';
import type { GraphQLError } from 'graphql';
import { type JWTHeaderParameters, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { signDevelopmentToken } from '../../src/identity/development-keys.ts';
import { encodeNodeId } from '../../src/index.ts';
import {
  createIssuerKey,
  encodeJson,
  type IssuerKey,
  issuer,
  jwkSet,
  type TokenChange,
} from '../identity/issuer.ts';
import { type JwksServer, startJwksServer } from '../identity/jwks-server.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { openTinyGateway, preflighted, type TinyGateway } from '../kit/tiny-gateway.ts';
import { openWire } from '../transport/wire.ts';

const oneBook = '{ book(id: "Qm9vazo3") { title } }'; // Book:7

/** Kept by an issuer that the gateway trusts, and by two that it does not know. */
const trusted = createIssuerKey('key-1');
const rsa = createIssuerKey('key-rsa', 'RS256');
const stranger = createIssuerKey('key-1');
const unpublished = createIssuerKey('key-2');

/** Stands in every token, so that any of it that gets out is noticed. */
const subject = 'CANARY-subject';

describe('a token over HTTP', () => {
  let jwks: JwksServer;
  let tiny: TinyGateway;

  beforeAll(async () => {
    jwks = await startJwksServer();
    jwks.serve(jwkSet(trusted, rsa));
    const keys = { kind: 'url', url: jwks.url, allowHttp: true } as const;
    tiny = await openTinyGateway({ identity: { issuer, audience: 'weir', keys } });
  });

  afterAll(async () => {
    await tiny?.[Symbol.asyncDispose]();
    await jwks?.close();
  });

  it('104: gives the caller its name and scopes, upstream too, and itself goes nowhere', async () => {
    const token = await sign(trusted, { claims: { scope: 'b:read a:write', tenant: 'süd', azp: 'app' } });
    const answer = await tiny.ask(oneBook, {}, { authorization: `Bearer ${token}` });
    expect(answer).toMatchObject({ status: 200, json: { data: { book: { title: 'Book 7' } } } });
    const { metadata } = tiny.service.calls.at(-1) ?? {};
    expect(metadata).toMatchObject({
      'x-weir-subject': subject,
      'x-weir-tenant': 's%C3%BCd',
      'x-weir-client': 'app',
      'x-weir-scopes': 'a:write b:read',
    });
    expect(JSON.stringify(metadata)).not.toContain(token.split('.')[1]);
    expect(Object.keys(metadata ?? {})).not.toContain('authorization');
    expectNowhere(tiny, token, answer.text);
  });

  it('is one of a user to whom nothing is added by headers that look like ours', async () => {
    const headers = { 'x-weir-subject': 'admin', 'x-weir-scopes': 'orders:read', 'x-weir-tenant': 'other' };
    const token = await sign(trusted);
    await tiny.ask(oneBook, {}, { authorization: `Bearer ${token}`, ...headers });
    const known = tiny.service.calls.at(-1)?.metadata ?? {};
    expect(ownKeys(known)).toEqual({ 'x-weir-subject': subject });
    await tiny.ask(oneBook, {}, headers);
    expect(ownKeys(tiny.service.calls.at(-1)?.metadata ?? {})).toEqual({});
  });

  it('may be absent: then nothing is told upstream of who asks', async () => {
    const answer = await tiny.ask(oneBook);
    expect(answer).toMatchObject({ status: 200, json: { data: { book: { title: 'Book 7' } } } });
    expect(ownKeys(tiny.service.calls.at(-1)?.metadata ?? {})).toEqual({});
  });

  const now = Math.floor(Date.now() / 1000);

  it.each<readonly [string, string, 'invalid_token' | 'invalid_request', () => string | Promise<string>]>([
    [
      'expired',
      'EXPIRED',
      'invalid_token',
      () => sign(trusted, { claims: { iat: now - 900, exp: now - 40 } }),
    ],
    ['not yet valid', 'NOT_YET_VALID', 'invalid_token', () => sign(trusted, { claims: { nbf: now + 90 } })],
    [
      'made in the future',
      'NOT_YET_VALID',
      'invalid_token',
      () => sign(trusted, { claims: { iat: now + 90 } }),
    ],
    ['from another issuer', 'WRONG_ISSUER', 'invalid_token', () => sign(trusted, { claims: { iss: 'x' } })],
    [
      'for another audience',
      'WRONG_AUDIENCE',
      'invalid_token',
      () => sign(trusted, { claims: { aud: 'x' } }),
    ],
    ['an id token', 'WRONG_TYPE', 'invalid_token', () => sign(trusted, { header: { typ: 'JWT' } })],
    ['without a type', 'WRONG_TYPE', 'invalid_token', () => sign(trusted, { header: { typ: undefined } })],
    ['without an end', 'CLAIMS', 'invalid_token', () => sign(trusted, { claims: { exp: undefined } })],
    ['good for too long', 'CLAIMS', 'invalid_token', () => sign(trusted, { claims: { exp: now + 90_000 } })],
    ['of nobody', 'CLAIMS', 'invalid_token', () => sign(trusted, { claims: { sub: undefined } })],
    ['of something', 'CLAIMS', 'invalid_token', () => sign(trusted, { claims: { sub: { $ne: null } } })],
    ['signed by a stranger', 'SIGNATURE', 'invalid_token', () => sign(stranger)],
    ['signed with a key that is not published', 'UNKNOWN_KEY', 'invalid_token', () => sign(unpublished)],
    ['unsigned', 'ALGORITHM', 'invalid_token', () => forge({ alg: 'none' })],
    ['unsigned in disguise', 'ALGORITHM', 'invalid_token', () => forge({ alg: 'nOnE' })],
    ['signed with the public key as a secret', 'ALGORITHM', 'invalid_token', () => confuse(rsa.publicKey)],
    [
      'with a critical header',
      'MALFORMED',
      'invalid_request',
      () => forge({ alg: 'EdDSA', crit: ['x'] }, 'AA'),
    ],
    ['no JWT', 'MALFORMED', 'invalid_request', () => 'aaaa'],
    ['too long', 'TOO_LARGE', 'invalid_request', () => sign(trusted, { claims: { pad: 'x'.repeat(8192) } })],
  ])('is refused with 401 when it is %s: %s', async (_what, reason, error, make) => {
    const token = await make();
    const before = tiny.service.calls.length;
    const query = '{ fast book(id: "Qm9vazo3") { title } }';
    const answer = await tiny.ask(query, {}, { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe(`Bearer error="${error}"`);
    expect(answer.json).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED', reason } }],
    });
    expect(tiny.service.calls).toHaveLength(before);
    expect(tiny.log.operations.at(-1)).toMatchObject({ outcome: 'refused', codes: ['UNAUTHENTICATED'] });
    expectNowhere(tiny, token, answer.text + JSON.stringify([...answer.headers]));
  });

  it('is refused for a mutation before anything is done', async () => {
    const before = tiny.probe.touches;
    const answer = await tiny.ask(
      'mutation { touch }',
      {},
      { authorization: `Bearer ${await sign(stranger)}` },
    );
    expect(answer.status).toBe(401);
    expect(tiny.probe.touches).toBe(before);
  });

  it('117: is refused whatever the document is: who asks comes first', async () => {
    const headers = { authorization: `Bearer ${await sign(stranger)}` };
    for (const query of ['{', '{ noSuchField }', '{ fast }']) {
      expect(await tiny.ask(query, {}, headers)).toMatchObject({ status: 401 });
    }
  });

  it.each([
    [
      'two good ones',
      (token: string) => [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`],
    ],
    [
      'a good one and a bad one',
      (token: string) => [`Authorization: Bearer ${token}`, 'Authorization: Bearer x'],
    ],
    ['an empty one', () => ['Authorization:']],
    ['a scheme alone', () => ['Authorization: Bearer']],
    ['another scheme', () => ['Authorization: Basic dXNlcjpwYXNz']],
  ])('is refused as MALFORMED when the header holds %s', async (_what, lines) => {
    await using wire = await openWire(tiny.url);
    const body = JSON.stringify({ query: oneBook });
    const head = ['POST /graphql HTTP/1.1', 'Host: localhost', 'Content-Type: application/json'];
    const length = `Content-Length: ${Buffer.byteLength(body)}`;
    const before = tiny.service.calls.length;
    wire.send(...head, ...lines(await sign(trusted)), length, '', body);
    const answer = await wire.closed;
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).toMatch(/\r\nwww-authenticate: Bearer error="invalid_request"\r\n/i);
    expect(answer).toContain('"reason":"MALFORMED"');
    expect(tiny.service.calls).toHaveLength(before);
  });

  it('is refused with 431 by Node itself when it is longer than all headers may be', async () => {
    await using wire = await openWire(tiny.url);
    wire.send(
      'POST /graphql HTTP/1.1',
      'Host: localhost',
      `Authorization: Bearer ${'x'.repeat(20_000)}`,
      '',
      '',
    );
    expect(await wire.closed).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('is asked for with GET as with POST', async () => {
    const url = `${tiny.url}?query=${encodeURIComponent('{ fast }')}`;
    const refused = await fetch(url, {
      headers: { ...preflighted, authorization: `Bearer ${await sign(stranger)}` },
    });
    expect(refused.status).toBe(401);
    const good = await fetch(url, {
      headers: { ...preflighted, authorization: `Bearer ${await sign(trusted)}` },
    });
    expect(await good.json()).toEqual({ data: { fast: 'fast' } });
  });
});

describe('a gateway whose keys cannot be read', () => {
  it('answers 503 to a token and serves those without one', async () => {
    const jwks = await startJwksServer(); // answers 404
    const keys = { kind: 'url', url: jwks.url, allowHttp: true } as const;
    await using tiny = await openTinyGateway({ identity: { issuer, audience: 'weir', keys } });
    const token = await sign(trusted);
    const answer = await tiny.ask(oneBook, {}, { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(answer.json).toEqual({
      errors: [
        {
          message: 'Tokens cannot be checked at the moment; try again shortly.',
          extensions: { code: 'UPSTREAM_UNAVAILABLE', reason: 'KEYS_UNAVAILABLE' },
        },
      ],
    });
    expect(tiny.service.calls).toEqual([]);
    expectNowhere(tiny, token, answer.text);
    expect(JSON.stringify(tiny.log.lines)).not.toContain('canary-query');
    expect(await tiny.ask('{ fast }')).toMatchObject({ status: 200, json: { data: { fast: 'fast' } } });
    await jwks.close();
  });

  it('answers within the time that one read may take when the key host never answers', async () => {
    const jwks = await startJwksServer();
    jwks.answer(() => {});
    const keys = { kind: 'url', url: jwks.url, allowHttp: true, timeoutMs: 100 } as const;
    await using tiny = await openTinyGateway({ identity: { issuer, audience: 'weir', keys } });
    const headers = { authorization: `Bearer ${await sign(trusted)}` };
    const answers = await Promise.all([tiny.ask(oneBook, {}, headers), tiny.ask(oneBook, {}, headers)]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(jwks.requests()).toBe(1);
    await jwks.close();
  });
});

describe('a gateway in production that has no identity', () => {
  it('refuses every token, that of development too, and serves those without one', async () => {
    const environment = { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: 'x'.repeat(32) };
    await using tiny = await openTinyGateway({ documents: { allow: 'any' } }, { environment });
    const token = await developmentToken();
    const answer = await tiny.ask('{ fast }', {}, { authorization: `Bearer ${token}` });
    expect(answer).toMatchObject({
      status: 401,
      json: { errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'UNKNOWN_KEY' } }] },
    });
    expectNowhere(tiny, token, answer.text);
    expect(await tiny.ask('{ fast }')).toMatchObject({ status: 200 });
  });

  it('is one that takes the token of development elsewhere', async () => {
    await using tiny = await openTinyGateway();
    const headers = { authorization: `Bearer ${await developmentToken()}` };
    expect(await tiny.ask('{ fast }', {}, headers)).toMatchObject({ status: 200 });
  });
});

describe('a scope', () => {
  let shop: Shop;

  beforeAll(async () => {
    shop = await startShop();
  });

  afterAll(() => shop?.close());

  const both = `query ($id: ID!) { product(id: $id) { title } orders(first: 1) { edges { node { id } } } }`;
  const variables = { id: encodeNodeId('Product', 'product-1') };

  it.each([
    ['FORBIDDEN for a user without it', 'user-1', 'FORBIDDEN'],
    ['FORBIDDEN for a user with others', { sub: 'user-1', scope: 'orders:write orders' }, 'FORBIDDEN'],
    ['UNAUTHENTICATED for somebody without a token', null, 'UNAUTHENTICATED'],
  ] as const)('is %s, on that field, before any call of it', async (_what, caller, code) => {
    shop.calls.length = 0;
    const answer = await shop.askAs(caller, both, variables);
    expect(answer.data).toEqual({ product: { title: expect.any(String) }, orders: null });
    expect(answer.errors).toMatchObject([{ path: ['orders'], extensions: { code } }]);
    expect(answer.errors?.[0]?.locations).toHaveLength(1);
    expect(shop.calls).toEqual(['CatalogService/BatchGetProducts']);
  });

  it('lets pass who has it', async () => {
    const answer = await shop.askAs({ sub: 'user-1', scope: 'orders:read' }, both, variables);
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toMatchObject({ orders: { edges: [{ node: {} }] } });
  });

  it('117: is asked for before the arguments are looked at', async () => {
    const answer = await shop.askAs('user-1', '{ orders(first: 1000, after: "x") { edges { cursor } } }');
    expect(answer.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });

  it.each([
    ['submitOrder', 'submitOrder(input: { lines: [] }) { __typename }'],
    ['cancelOrder', 'cancelOrder(input: { order: "x" }) { __typename }'],
    ['syncOrders', 'syncOrders(events: []) { id }'],
    [
      'createPayment',
      `createPayment(input: { order: "x", amount: "1", currencyCode: "EUR", method: { voucher: { code: "x" } },
        idempotencyKey: "0123456789abcdef" }) { payment { id } }`,
    ],
    ['sendMessage', 'sendMessage(input: { room: "x", text: "x" }) { message { id } }'],
    ['updateProfile', 'updateProfile(input: {}) { user { id } }'],
  ])('117: or a user is needed for %s, before anything is looked at', async (name, field) => {
    shop.calls.length = 0;
    const anonymous = await shop.askAs(null, `mutation { ${field} }`);
    expect(anonymous).toMatchObject({
      data: { [name]: null },
      errors: [{ path: [name], extensions: { code: 'UNAUTHENTICATED' } }],
    });
    if (name === 'syncOrders') {
      const user = await shop.askAs({ sub: 'user-1', scope: 'orders:read' }, `mutation { ${field} }`);
      expect(user).toMatchObject({ data: { [name]: null }, errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    }
    expect(shop.calls).toEqual([]);
  });

  async function textOf(caller: Parameters<Shop['askAs']>[0], query: string, given: object): Promise<string> {
    return JSON.stringify(await shop.askAs(caller, query, { ...given }));
  }

  describe('or ownership', () => {
    /** Rows by type: one of user-1, one of somebody else (same length of id), one that is not there. */
    async function rowsOf(typename: Owned): Promise<{ own: string; other: string; absent: string }> {
      const [row] = await shop.store.query<{ own: string; other: string }>(ownedRows[typename]);
      if (!row) throw new Error(`The seed has no ${typename} for this test.`);
      const absent = row.other.replace(/\d/g, '9');
      return { own: row.own, other: row.other, absent };
    }

    const paths: Readonly<Record<Owned, readonly string[]>> = {
      Order: [
        'query ($id: ID!) { order(id: $id) { id state note } }',
        'query ($id: ID!) { order(id: $id) { customer { email displayName } payment { id } lines { number } } }',
      ],
      Payment: ['query ($id: ID!) { payment(id: $id) { id amount { amount } } }'],
      Room: [
        'query ($id: ID!) { room(id: $id) { id title } }',
        'query ($id: ID!) { room(id: $id) { members { id } messages(last: 2) { edges { node { text } } } } }',
      ],
    };
    const everywhere = (typename: Owned) => [
      ...paths[typename],
      'query ($id: ID!) { node(id: $id) { __typename id } }',
      'query ($id: ID!) { nodes(ids: [$id, $id]) { __typename id } }',
      `query ($id: ID!) { node(id: $id) { ... on ${typename} { id } } }`,
    ];

    it.each(Object.keys(ownedRows) as Owned[])(
      '107: of another %s looks as absence does, byte for byte',
      async (typename) => {
        const rows = await rowsOf(typename);
        for (const query of everywhere(typename)) {
          const ask = async (id: string) => {
            shop.calls.length = 0;
            const text = await textOf('user-1', query, { id: encodeNodeId(typename, id) });
            return { text, calls: [...shop.calls] };
          };
          const absent = await ask(rows.absent);
          expect(await ask(rows.other)).toEqual(absent);
          expect(absent.calls).toHaveLength(1);
          const { data, errors } = JSON.parse(absent.text);
          expect([null, [null, null]]).toContainEqual(Object.values(data)[0]);
          expect(new Set(errors.map(({ extensions }: GraphQLError) => extensions['code']))).toEqual(
            new Set(['NOT_FOUND']),
          );
          expect((await ask(rows.own)).text).not.toBe(absent.text);
        }
      },
    );

    it.each(Object.keys(ownedRows) as Owned[])('of any %s is nobody’s who has no token', async (typename) => {
      const rows = await rowsOf(typename);
      for (const query of everywhere(typename)) {
        const ask = (id: string) => textOf(null, query, { id: encodeNodeId(typename, id) });
        expect(await ask(rows.own)).toBe(await ask(rows.absent));
      }
    });

    it('117: is told the same where something is to be changed', async () => {
      const orders = await rowsOf('Order');
      const rooms = await rowsOf('Room');
      const cases = [
        ['mutation ($id: ID!) { cancelOrder(input: { order: $id }) { __typename } }', 'Order', orders],
        [
          `mutation ($id: ID!) { createPayment(input: { order: $id, amount: "1", currencyCode: "EUR",
            method: { voucher: { code: "x" } }, idempotencyKey: "0123456789abcdef" }) { payment { id } } }`,
          'Order',
          orders,
        ],
        [
          'mutation ($id: ID!) { sendMessage(input: { room: $id, text: "x" }) { message { id } } }',
          'Room',
          rooms,
        ],
      ] as const;
      for (const [query, typename, { other, absent }] of cases) {
        const ask = (id: string) => textOf('user-1', query, { id: encodeNodeId(typename, id) });
        const refused = await ask(absent);
        expect(await ask(other)).toBe(refused);
        expect(refused).toContain('"code":"NOT_FOUND"');
        expect(refused).not.toContain(other);
      }
    });

    it('covers every type of node that belongs to somebody', async () => {
      const { data } = await shop.askAs<{ __type: { possibleTypes: { name: string }[] } }>(
        null,
        '{ __type(name: "Node") { possibleTypes { name } } }',
      );
      const shared = ['Product', 'User'];
      const owned = data?.__type.possibleTypes
        .map(({ name }) => name)
        .filter((name) => !shared.includes(name));
      expect(owned?.toSorted()).toEqual(Object.keys(ownedRows).toSorted());
    });

    it('117: of an address is its user’s, or of who may read users', async () => {
      const query = 'query ($id: ID!) { user(id: $id) { email } node(id: $id) { ... on User { email } } }';
      const own = { id: encodeNodeId('User', 'user-1') };
      const read = async (caller: Parameters<Shop['askAs']>[0]) =>
        (await shop.askAs(caller, query, own)).data;
      const shown = {
        user: { email: expect.stringContaining('@') },
        node: { email: expect.stringContaining('@') },
      };
      const hidden = { user: { email: null }, node: { email: null } };
      expect(await read('user-1')).toEqual(shown);
      expect(await read('user-2')).toEqual(hidden);
      expect(await read({ sub: 'user-2', scope: 'users:write' })).toEqual(hidden);
      expect(await read({ sub: 'user-2', scope: 'users:read' })).toEqual(shown);
      expect(await read(null)).toEqual(hidden);
    });
  });
});

type Owned = keyof typeof ownedRows;

const ownedRows = {
  Order: `SELECT mine.id AS own, other.id AS other FROM orders mine JOIN orders other ON other.customer_id <> 'user-1'
    AND length(other.id) = length('order-99999') WHERE mine.customer_id = 'user-1' LIMIT 1`,
  Payment: `SELECT mine.id AS own, other.id AS other FROM payments mine JOIN orders ON orders.id = mine.order_id,
    payments other JOIN orders theirs ON theirs.id = other.order_id
    WHERE orders.customer_id = 'user-1' AND theirs.customer_id <> 'user-1' AND length(other.id) = length('payment-9999') LIMIT 1`,
  Room: `SELECT mine.room_id AS own, other.id AS other FROM room_members mine, rooms other
    WHERE mine.user_id = 'user-1' AND length(other.id) = length('room-99')
    AND NOT EXISTS (SELECT FROM room_members WHERE room_id = other.id AND user_id = 'user-1') LIMIT 1`,
} as const;

/** What of a call's metadata is about who asks. */
function ownKeys(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(metadata).filter(([key]) => key.startsWith('x-weir-') || key === 'authorization'),
  );
}

/** Neither an answer nor a line of the log quotes any part of a token, or what it says. */
function expectNowhere({ log }: TinyGateway, token: string, answer: string): void {
  const lines = JSON.stringify([log.lines.map(({ fields }) => fields)]);
  for (const part of token.split('.').filter((text) => text.length > 8)) {
    expect(answer).not.toContain(part);
    expect(lines + JSON.stringify(log.operations)).not.toContain(part);
  }
  expect(answer).not.toContain('CANARY');
  expect(lines).not.toContain('CANARY');
}

/** A good token but for `change`, as an issuer that runs by the wall clock signs it. */
async function sign(key: IssuerKey, { header = {}, claims = {} }: TokenChange = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const all = { sub: subject, iss: issuer, aud: 'weir', iat: now, exp: now + 600, ...claims };
  const head = { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header };
  return new SignJWT(JSON.parse(JSON.stringify(all)))
    .setProtectedHeader(JSON.parse(JSON.stringify(head)) as JWTHeaderParameters) // as: what is undefined is left out
    .sign(key.privateKey);
}

/** Good claims under any header, with any signature. */
function forge(header: object, signature = ''): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: subject, iss: issuer, aud: 'weir', iat: now, exp: now + 600 };
  return `${encodeJson({ typ: 'at+jwt', kid: 'key-1', ...header })}.${encodeJson(claims)}.${signature}`;
}

/** RFC 8725 section 2.1: the public key, which everybody has, used as the secret of an HMAC. */
function confuse(publicKey: KeyObject): string {
  const unsigned = forge({ alg: 'HS256', kid: 'key-rsa' }).slice(0, -1);
  const secret = publicKey.export({ type: 'spki', format: 'pem' });
  return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
}

function developmentToken(): Promise<string> {
  return signDevelopmentToken({ sub: 'user-1', issuer: 'weir-development', audience: 'weir' }, systemClock);
}
