import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors.ts';
import { publicError } from '../../src/operation/public-error.ts';
import { codesOf, openTinyGateway, post } from '../kit/tiny-gateway.ts';
import { canary, type FailureKind } from '../kit/tiny-schema.ts';

const masked = {
  message: 'Something went wrong on our side.',
  extensions: { code: 'INTERNAL_SERVER_ERROR' },
};

/** What a client reads of each thing that a resolver may throw, and how many lines the log has of it. */
const cases: readonly (readonly [FailureKind, { message: string; extensions: object }, number])[] = [
  ['plain', masked, 1],
  ['text', masked, 1],
  ['graphql', masked, 1],
  ['graphql-unknown-code', masked, 1],
  ['weir-internal', masked, 1],
  ['aggregate', masked, 1],
  ['graphql-coded', { message: 'The door is closed.', extensions: { code: 'FORBIDDEN', door: 3 } }, 0],
  ['weir', { message: 'No such door.', extensions: { code: 'NOT_FOUND', door: 3 } }, 0],
  ['abort', { message: 'The operation was cancelled.', extensions: { code: 'CANCELLED' } }, 0],
  [
    'late',
    { message: 'A service behind this field took too long.', extensions: { code: 'UPSTREAM_TIMEOUT' } },
    1,
  ],
];

describe('publicError()', () => {
  it.each(cases)('shows of a resolver that throws %s no more than it should', async (kind, shown, lines) => {
    await using tiny = await openTinyGateway();
    const answer = await tiny.ask('query ($kind: String!) { fast broken: fail(kind: $kind) }', { kind });
    expect(answer.status).toBe(200);
    expect(answer.json.data).toEqual({ fast: 'fast', broken: null });
    const isMasked = shown === masked;
    const requestId = answer.headers.get('x-request-id');
    expect(answer.json.errors).toEqual([
      {
        message: shown.message,
        extensions: isMasked ? { ...shown.extensions, requestId } : shown.extensions,
        path: ['broken'],
        locations: [{ line: 1, column: 31 }],
      },
    ]);
    expect(answer.text + JSON.stringify([...answer.headers])).not.toContain(canary);
    expect(tiny.log.lines).toHaveLength(lines);
    for (const { fields } of tiny.log.lines) {
      expect(fields).toMatchObject({ requestId, path: 'broken', err: { name: 'WeirError' } });
      if (kind !== 'weir-internal') expect(fields['err']).toHaveProperty('cause');
    }
  });

  it('masks a null where none may be, and a value that its type cannot hold', async () => {
    await using tiny = await openTinyGateway();
    const answer = await tiny.ask('{ fast wrongNumber book(id: "Qm9vazo3") { title never } }');
    expect(answer.status).toBe(200);
    expect(answer.json.data).toEqual({ fast: 'fast', wrongNumber: null, book: null });
    expect(codesOf(answer)).toEqual(['INTERNAL_SERVER_ERROR', 'INTERNAL_SERVER_ERROR']);
    expect(answer.text).not.toMatch(new RegExp(`${canary}|non-nullable|represent`));
    expect(answer.json.errors?.map(({ path }) => path)).toEqual([['wrongNumber'], ['book', 'never']]);
    expect(tiny.log.lines).toHaveLength(2);
  });

  it('masks an answer that cannot be written', async () => {
    await using tiny = await openTinyGateway();
    const answer = await tiny.ask('{ huge }');
    expect(answer.status).toBe(500);
    expect(codesOf(answer)).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(answer.json.errors?.[0]?.extensions['requestId']).toBe(answer.headers.get('x-request-id'));
    expect(answer.text).not.toMatch(/BigInt|serialize/);
    expect(tiny.log.lines).toHaveLength(1);
  });

  it('lets nothing of an upstream failure out', async () => {
    await using tiny = await openTinyGateway();
    tiny.service.behave('getBooks', (call, reply) => {
      call.metadata.set('x-secret', canary);
      reply({ code: 13, details: `${canary} details`, metadata: call.metadata } as never);
    });
    const answer = await tiny.ask('{ fast book(id: "Qm9vazo3") { title } }');
    expect(answer.json.data).toEqual({ fast: 'fast', book: null });
    expect(codesOf(answer)).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(answer.text + JSON.stringify([...answer.headers])).not.toContain(canary);
    expect(String(tiny.log.lines[0]?.fields['err'])).toContain('WeirError');
  });

  it('logs one fault once when it reached many fields', async () => {
    await using tiny = await openTinyGateway();
    tiny.service.behave('getShelves', (_call, reply) => reply({ code: 14, details: 'down' } as never));
    const answer = await tiny.ask('{ books(first: 20) { edges { node { shelf { label } } } } }');
    expect(codesOf(answer)).toEqual(Array.from({ length: 20 }, () => 'UPSTREAM_UNAVAILABLE'));
    expect(tiny.log.lines).toHaveLength(1);
    expect(tiny.log.lines[0]?.fields['path']).toBe('books.edges.0.node.shelf');
  });

  it.each([
    ['{ fast', 'GRAPHQL_PARSE_FAILED', /^Syntax Error: /],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED', /^Cannot query field "nothing"/],
    ['{ even(n: 3) }', 'GRAPHQL_VALIDATION_FAILED', /Expected an even number/],
  ])('keeps the message of GraphQL when the document is %s', async (query, code, message) => {
    await using tiny = await openTinyGateway();
    const answer = await tiny.ask(query);
    expect(answer.status).toBe(400);
    expect(codesOf(answer)).toEqual([code]);
    expect(answer.json.errors?.[0]?.message).toMatch(message);
    expect(answer.json.errors?.[0]?.locations).toBeDefined();
    expect(answer.json).not.toHaveProperty('data');
    const asJson = await tiny.ask(query, {}, { accept: 'application/json' });
    expect(asJson.status).toBe(200);
    expect(codesOf(asJson)).toEqual([code]);
    expect(tiny.log.lines).toEqual([]);
  });

  it.each([
    [{ n: 3 }, /Variable "\$n" has invalid value.*even number/],
    [{ n: 'x' }, /Variable "\$n" has invalid value/],
    [{ n: 13 }, /13 brings bad luck/],
  ])('calls variables %j bad input', async (variables, message) => {
    await using tiny = await openTinyGateway();
    const answer = await tiny.ask('query ($n: Even) { even(n: $n) }', variables);
    expect(answer.status).toBe(400);
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    expect(answer.json.errors?.[0]?.message).toMatch(message);
    expect(tiny.log.lines).toEqual([]);
  });

  it.each([
    ['query A { fast } query B { fast }', undefined],
    ['query A { fast }', 'C'],
    ['fragment f on Query { fast }', undefined],
  ])(
    'calls it a bad request when it cannot tell which operation of %s is meant by %s',
    async (query, operationName) => {
      await using tiny = await openTinyGateway();
      const answer = await post(tiny.url, { query, operationName });
      expect(answer.status).toBe(400);
      expect(codesOf(answer)).toEqual(['BAD_REQUEST']);
    },
  );

  it('keeps an error that it has made already', () => {
    const once = publicError(new WeirError('RATE_LIMITED', { extensions: { retryAfterMs: 5 } }), 'r').error;
    const located = new GraphQLError(once.message, { path: ['a'], extensions: once.extensions });
    expect(publicError(located, 'r')).toMatchObject({
      error: { message: once.message, path: ['a'], extensions: { code: 'RATE_LIMITED', retryAfterMs: 5 } },
      fault: undefined,
    });
  });

  it('keeps what a WeirError says through any number of wrappers', () => {
    const inner = new GraphQLError('x', {
      originalError: new WeirError('CONFLICT', { message: 'Start over.' }),
    });
    const outer = new GraphQLError('y', { path: ['b'], originalError: inner });
    expect(publicError(outer, 'r').error).toMatchObject({
      message: 'Start over.',
      path: ['b'],
      extensions: { code: 'CONFLICT' },
    });
  });
});
