import fc from 'fast-check';
import {
  buildSchema,
  type GraphQLFormattedError,
  type GraphQLSchema,
  OperationTypeNode,
  parse,
  printSchema,
  validate,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema as whole } from '../../schema/index.ts';
import { visibleElements } from '../../src/guard/visibility/shown.ts';
import { createGateway, encodeNodeId, type WeirConfig } from '../../src/index.ts';
import config from '../../weir.config.ts';
import { generatedLimits } from '../kit/estimates.ts';
import { legalPages } from '../kit/generate/page-source.ts';
import { operations } from '../kit/generate-operation.ts';
import { createCursorBook } from '../kit/reference/cursor-book.ts';
import { shopOperations } from '../kit/reference/shop-operations.ts';
import { collectingLog, type Shop, startShop } from '../kit/shop.ts';
import { shopVariants } from '../kit/shop-variants.ts';

interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

const operationCount = 5000;
const timeoutMs = 240_000;
const scope = 'orders:read payments:read chat:read users:read';
/** With the length and the letters of no name of ours, so that nothing is suggested in its place. */
const never = 'Zqxjkvbwzzqx';

let shop: Shop;
let authorization: string;

beforeAll(async () => {
  const named: WeirConfig = config;
  const variants = Object.entries(named.variants ?? {}).map(([name, own]) => [
    name,
    { ...own, documents: { allow: 'any' }, limits: { ...own.limits, ...generatedLimits } } as const,
  ]);
  shop = await startShop({ config: { variants: Object.fromEntries(variants) } });
  authorization = `Bearer ${await shop.tokenOf('user-1', scope)}`;
});

afterAll(() => shop?.close());

async function ask(url: string, query: string, variables: unknown = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

function urlOf(variant: string, { url } = shop): string {
  return new URL(`/${variant}/graphql`, url).href;
}

/** Names that the whole graph has and a variant has not. */
function hiddenNames(view: GraphQLSchema): readonly string[] {
  const shown = new Set(visibleElements(view).map(({ name }) => name));
  return [...new Set(visibleElements(whole).map(({ name }) => name))].filter((name) => !shown.has(name));
}

/** Ways to ask for what may be called `name`. */
const ways = {
  field: (name: string) => `{ ${name} }`,
  'field of an object': (name: string) => `{ node(id: "x") { ... on Product { ${name} } } }`,
  argument: (name: string) => `{ products(${name}: 1) { pageInfo { hasNextPage } } }`,
  'type condition': (name: string) => `{ node(id: "x") { ... on ${name} { __typename } } }`,
  fragment: (name: string) => `{ ...F } fragment F on ${name} { __typename }`,
  'enum value': (name: string) => `{ products(order: ${name}) { pageInfo { hasNextPage } } }`,
  'input field': (name: string) => `{ products(filter: { ${name}: 1 }) { pageInfo { hasNextPage } } }`,
  'variable type': (name: string) => `query ($v: ${name}) { node(id: "x") { id @skip(if: $v) } }`,
  directive: (name: string) => `{ __typename @${name} }`,
  'id of a node': (name: string) => `{ node(id: "${encodeNodeId(name, '1')}") { __typename } }`,
  introspection: (name: string) => `{ __type(name: "${name}") { name kind fields { name } } }`,
} as const;

/** What is told, with another name in place of one: the letters that stand for it in a global id too. */
function renamed(answer: Answer, name: string): string {
  const text = JSON.stringify({ data: answer.data, errors: answer.errors?.map(withoutPlace) });
  return text.replaceAll(encodeNodeId(name, '1'), 'ID').replaceAll(name, 'NAME');
}

/** Where something stands depends on how long the name is, and a suggestion on how it is spelt. */
function withoutPlace({ message, path, extensions }: GraphQLFormattedError) {
  return { message: message.replace(/ Did you mean .*\?$/, ''), path, code: extensions?.['code'] };
}

describe.each(shopVariants)('the variant $name of the shop', ({ name: variant, schema, pages }) => {
  const hidden = hiddenNames(schema);
  const caught: string[] = [];

  it('hides something', () => {
    expect(hidden.length).toBeGreaterThan(4);
  });

  it(
    `answers ${operationCount} generated operations of its own schema, and names nothing else`,
    async () => {
      const sdl = buildSchema(printSchema(schema));
      const arbitrary = operations(sdl, {
        ...shopOperations(createCursorBook()),
        kind: OperationTypeNode.QUERY,
        maxObjects: 40,
        pages: legalPages({ ...pages, maxOffset: 1000 }),
      });
      const all = fc.sample(arbitrary, operationCount);
      const foreign = new RegExp(`"(?:${hidden.join('|')})"`);
      let answered = 0;
      for (let start = 0; start < all.length; start += 16) {
        const lane = all.slice(start, start + 16);
        const answers = await Promise.all(
          lane.map(({ document, variables }) => ask(urlOf(variant), document, variables)),
        );
        for (const [index, answer] of answers.entries()) {
          const codes = answer.errors?.map(({ extensions }) => extensions?.['code']) ?? [];
          expect(codes, lane[index]?.document).not.toContain('GRAPHQL_VALIDATION_FAILED');
          expect(codes, lane[index]?.document).not.toContain('INTERNAL_SERVER_ERROR');
          // Codes are the engine's own, whatever a schema calls its values.
          const said = JSON.stringify({
            data: answer.data,
            said: answer.errors?.map(({ message }) => message),
          });
          expect(said).not.toMatch(foreign);
          if (answer.data) answered += 1;
        }
      }
      expect(answered).toBeGreaterThan(operationCount * 0.8);
    },
    timeoutMs,
  );

  it.each(Object.entries(ways))(
    'says of a hidden name what it says of one that there never was: as %s',
    async (_, way) => {
      const expected = renamed(await ask(urlOf(variant), way(never)), never);
      for (const name of hidden)
        expect(renamed(await ask(urlOf(variant), way(name)), name), way(name)).toBe(expected);
    },
  );

  it('says word for word what a schema says that was never told of them, suggestions and all', async () => {
    const innocent = buildSchema(printSchema(schema));
    for (const way of Object.values(ways))
      for (const name of hidden) {
        const told = validate(innocent, parse(way(name))).map(({ message }) => message);
        const { errors = [] } = await ask(urlOf(variant), way(name));
        if (told.length > 0) expect(errors.map(({ message }) => message)).toEqual(told);
      }
  });

  it('would be caught: the whole graph knows the names', () => {
    const errorsOf = (query: string) => validate(whole, parse(query)).map(({ message }) => message);
    for (const way of [ways.field, ways.argument, ways['type condition'], ways['variable type']]) {
      const expected = errorsOf(way(never)).map((message) => message.replaceAll(never, 'NAME'));
      const told = hidden.filter(
        (name) =>
          `${errorsOf(way(name)).map((message) => message.replaceAll(name, 'NAME'))}` !== `${expected}`,
      );
      caught.push(...told);
    }
    expect(new Set(caught).size).toBeGreaterThan(hidden.length / 3);
  });
});

describe('in production', () => {
  const secrets = { WEIR_CURSOR_SECRETS: 'a-secret-of-our-own-that-is-long-enough' };

  it.each(shopVariants)('a hidden name of $name is answered as one that there never was', async (view) => {
    const named: WeirConfig = config;
    const open = { documents: { allow: 'any' } } as const;
    const gateway = createGateway(
      { ...named, variants: { web: open, mobile: open } },
      { environment: { ...shop.environment, ...secrets, NODE_ENV: 'production' }, log: collectingLog([]) },
    );
    try {
      const { url } = await gateway.start();
      const asked = async (query: string) => {
        const response = await fetch(urlOf(view.name, { ...shop, url }), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query }),
        });
        const answer: Answer = await response.json();
        return answer;
      };
      for (const way of Object.values(ways)) {
        const expected = await asked(way(never));
        expect(JSON.stringify(expected)).not.toContain('Did you mean');
        for (const name of hiddenNames(view.schema)) {
          const answer = await asked(way(name));
          expect(JSON.stringify(answer), way(name)).not.toContain('Did you mean');
          expect(renamed(answer, name), way(name)).toBe(renamed(expected, never));
        }
      }
      expect((await asked(ways.introspection('Product'))).errors).toHaveLength(1);
    } finally {
      await gateway.close();
    }
  });
});

describe('what the variants of the shop are for', () => {
  it('mobile opens its screen by one field, with pictures that fit', async () => {
    const query = `{ homeScreen { user { displayName } latestOrders { state } bestsellers { thumbnail(size: SMALL) }
      newArrivals { thumbnail } } }`;
    const calls = shop.calls.length;
    const { data, errors } = await ask(urlOf('mobile'), query);
    expect(errors).toBeUndefined();
    const screen = data?.['homeScreen'] as Record<string, { thumbnail: string }[]>; // as: of the query above
    expect(screen['latestOrders']).toHaveLength(3);
    expect(screen['bestsellers']).toHaveLength(6);
    expect(screen['bestsellers']?.[0]?.thumbnail).toMatch(/\?width=160$/);
    expect(screen['newArrivals']?.[0]?.thumbnail).toMatch(/\?width=320$/);
    expect(shop.calls.slice(calls).toSorted()).toEqual([
      'CatalogService/ListProducts',
      'CatalogService/ListProducts',
      'OrderService/ListOrders',
      'UserService/BatchGetUsers',
    ]);
  });

  it('mobile shows its screen to nobody in particular too', async () => {
    const response = await fetch(urlOf('mobile'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: '{ homeScreen { user { id } latestOrders { id } bestsellers { id } } }',
      }),
    });
    expect(await response.json()).toMatchObject({
      data: { homeScreen: { user: null, latestOrders: [], bestsellers: expect.any(Array) } },
    });
  });

  it('mobile has smaller pages', async () => {
    const page = (first: number) => `{ products(first: ${first}) { edges { cursor } } }`;
    expect((await ask(urlOf('mobile'), page(30))).errors).toBeUndefined();
    expect((await ask(urlOf('mobile'), page(31))).errors?.[0]?.extensions?.['code']).toBe('PAGE_SIZE');
    expect((await ask(urlOf('web'), page(31))).errors).toBeUndefined();
  });

  it('web tells what was sold to who has the scope, and to nobody else', async () => {
    const query = `{ salesReport(from: "2026-03-01T00:00:00Z", to: "2026-05-01T00:00:00Z") { days { day orderCount revenue { amount } } } }`;
    expect((await ask(urlOf('web'), query)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
    const caller = { sub: 'user-1', scope: 'reports:read' };
    const { data, errors } = await shop.askAs(caller, query);
    expect(errors).toBeUndefined();
    const { days } = (data?.['salesReport'] as { days?: unknown[] } | undefined) ?? {}; // as: of the query above
    expect(days?.length).toBeGreaterThan(30);
  });

  it('a third one is ten lines of weir.config.ts', async () => {
    const named: WeirConfig = config;
    const tv: NonNullable<WeirConfig['variants']> = {
      ...named.variants,
      tv: {
        paths: ['/tv'],
        pages: { defaultSize: 5, maxSize: 12 },
        limits: { maxDepth: 8 },
        introspection: 'nobody',
      },
    };
    const gateway = createGateway(
      { ...named, variants: tv },
      { environment: shop.environment, log: collectingLog([]) },
    );
    try {
      const { url } = await gateway.start();
      const asked = (query: string) => ask(new URL('/tv', url).href, query);
      expect((await asked('{ products { edges { node { title } } } }')).data).toMatchObject({
        products: { edges: { length: 5 } },
      });
      expect((await asked('{ homeScreen { user { id } } }')).errors?.[0]?.message).toContain('homeScreen');
      expect((await asked('{ salesReport { days { day } } }')).errors?.[0]?.message).toContain('salesReport');
    } finally {
      await gateway.close();
    }
  });
});
