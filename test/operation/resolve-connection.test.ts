import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codesOf, openTinyGateway, type TinyGateway } from '../kit/tiny-gateway.ts';
import { bookCount } from '../kit/tiny-service.ts';

const selection = `{
  totalCount
  edges { cursor node { title } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
}`;

const document = `query ($first: Int, $after: String, $last: Int, $before: String, $offset: Int, $query: String) {
  books(first: $first, after: $after, last: $last, before: $before, offset: $offset, query: $query) ${selection}
}`;

interface Page {
  readonly totalCount: number;
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly title: string } }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

type Arguments = Readonly<Record<string, string | number | null>>;

let tiny: TinyGateway;
beforeAll(async () => {
  tiny = await openTinyGateway({ pages: { defaultSize: 5, maxSize: 10 } });
});
afterAll(() => tiny[Symbol.asyncDispose]());

describe('resolveConnection()', () => {
  it.each<[Arguments, string, boolean, boolean]>([
    [{}, '1-5', true, false],
    [{ first: null, after: null, last: null, before: null, offset: null }, '1-5', true, false],
    [{ first: 3 }, '1-3', true, false],
    [{ first: 10 }, '1-10', true, false],
    [{ last: 3 }, '38-40', false, true],
    [{ first: 3, offset: 0 }, '1-3', true, false],
    [{ first: 3, offset: 30 }, '31-33', true, true],
    [{ offset: 30 }, '31-35', true, true],
  ])('gives with %j books %s', async (args, titles, hasNextPage, hasPreviousPage) => {
    for (const page of [await pageBy(args), await pageByLiterals(args)]) {
      expect(numbersOf(page)).toBe(titles);
      expect(page.pageInfo).toMatchObject({ hasNextPage, hasPreviousPage });
      expect(page.pageInfo.startCursor).toBe(page.edges[0]?.cursor);
      expect(page.pageInfo.endCursor).toBe(page.edges.at(-1)?.cursor);
      expect(page.totalCount).toBe(bookCount);
    }
  });

  it('walks the whole list forward and backward along its cursors', async () => {
    const forward = await walk('endCursor', (after) => ({ first: 7, after }));
    const backward = await walk('startCursor', (before) => ({ last: 7, before }));
    expect(forward.flat()).toEqual(Array.from({ length: bookCount }, (_, index) => index + 1));
    expect(backward.toReversed().flat()).toEqual(forward.flat());
  });

  it('gives what lies between two cursors', async () => {
    const { edges } = await pageBy({ first: 10 });
    const between = await pageBy({
      first: 10,
      after: edges[1]?.cursor ?? '',
      before: edges[6]?.cursor ?? '',
    });
    expect(numbersOf(between)).toBe('3-6');
    const lastOfThem = await pageBy({
      last: 2,
      after: edges[1]?.cursor ?? '',
      before: edges[6]?.cursor ?? '',
    });
    expect(numbersOf(lastOfThem)).toBe('5-6');
  });

  it('tells with a page of no rows whether there is another', async () => {
    const empty = await pageBy({ first: 0 });
    expect(empty.edges).toEqual([]);
    expect(empty.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: null,
      endCursor: null,
    });
    const [lastEdge] = (await pageBy({ last: 1 })).edges;
    expect((await pageBy({ first: 0, after: lastEdge?.cursor ?? '' })).pageInfo.hasNextPage).toBe(false);
    expect((await pageBy({ last: 0 })).pageInfo).toMatchObject({ hasPreviousPage: true });
  });

  it.each<[Arguments, string, RegExp]>([
    [{ first: -1 }, 'PAGE_SIZE', /"first".*from 0 to 10, got -1/],
    [{ first: 11 }, 'PAGE_SIZE', /"first".*from 0 to 10, got 11/],
    [{ last: 11 }, 'PAGE_SIZE', /"last".*from 0 to 10, got 11/],
    [{ first: 1, last: 1 }, 'BAD_USER_INPUT', /got both/],
    [{ offset: 31 }, 'BAD_USER_INPUT', /"offset".*from 0 to 30, got 31/],
    [{ offset: -1 }, 'BAD_USER_INPUT', /"offset"/],
    [{ offset: 1, after: 'x' }, 'BAD_USER_INPUT', /"offset" alone/],
  ])('refuses %j before anything is loaded', async (args, code, message) => {
    const before = tiny.service.calls.length;
    for (const answer of [await tiny.ask(document, args), await tiny.ask(literally(args))]) {
      expect(answer.json.data).toEqual({ books: null });
      expect(codesOf(answer)).toEqual([code]);
      expect(answer.json.errors?.[0]?.message).toMatch(message);
    }
    expect(tiny.service.calls.length).toBe(before);
  });

  it('refuses a cursor that is forged, cut, of another filter, or of another key', async () => {
    const cursor = (await pageBy({ first: 1 })).edges[0]?.cursor ?? '';
    const middle = Math.floor(cursor.length / 2);
    const forged = cursor.slice(0, middle) + (cursor[middle] === 'A' ? 'B' : 'A') + cursor.slice(middle + 1);
    await using other = await openTinyGateway({
      cursors: { secrets: ['another-secret-that-is-long-enough-too'] },
    });
    const foreign = await other.ask(document, { first: 1 });
    const { books } = foreign.json.data as { books: Page }; // as: the document asks for it
    const refused: readonly Arguments[] = [
      { after: forged },
      { before: forged },
      { after: cursor.slice(0, -1) },
      { after: '' },
      { after: 'x'.repeat(2000) },
      { after: cursor, query: 'other' },
      { after: books.edges[0]?.cursor ?? '' },
    ];
    const calls = tiny.service.calls.length;
    for (const args of refused) expect(codesOf(await tiny.ask(document, args))).toEqual(['INVALID_CURSOR']);
    expect(tiny.service.calls.length).toBe(calls);
    expect(codesOf(await tiny.ask(document, { after: cursor }))).toEqual([]); // negative control
  });

  it.each([
    ['', 2],
    ['(first: 1)', 1],
    ['(last: 12)', 12],
  ])('takes the page sizes of a field that has its own: few%s', async (args, rows) => {
    const { json } = await tiny.ask(`{ few${args} { edges { cursor } } }`);
    expect(json.errors).toBeUndefined();
    expect(json.data).toMatchObject({ few: { edges: { length: rows } } });
  });

  it('refuses more than a field of its own page sizes gives', async () => {
    const answer = await tiny.ask('{ few(first: 13) { edges { cursor } } }');
    expect(codesOf(answer)).toEqual(['PAGE_SIZE']);
    expect(answer.json.errors?.[0]?.message).toMatch(/"first".*from 0 to 12, got 13/);
  });

  it('gives null when there is no such list', async () => {
    expect((await tiny.ask(document, { query: 'none' })).json).toEqual({ data: { books: null } });
  });
});

async function pageBy(args: Arguments): Promise<Page> {
  return pageIn(await tiny.ask(document, args));
}

async function pageByLiterals(args: Arguments): Promise<Page> {
  return pageIn(await tiny.ask(literally(args)));
}

function literally(args: Arguments): string {
  const list = Object.entries(args).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `{ books${list.length > 0 ? `(${list.join(', ')})` : ''} ${selection} }`;
}

function pageIn({ json }: Awaited<ReturnType<TinyGateway['ask']>>): Page {
  expect(json.errors).toBeUndefined();
  return (json.data as { books: Page }).books; // as: the document asks for it
}

function numbersOf(page: Page): string {
  const numbers = page.edges.map(({ node }) => Number(node.title.replace('Book ', '')));
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
  return `${numbers[0]}-${numbers.at(-1)}`;
}

async function walk(
  along: 'startCursor' | 'endCursor',
  argumentsFrom: (cursor: string | null) => Arguments,
): Promise<number[][]> {
  const pages: number[][] = [];
  let cursor: string | null = null;
  let isMore = true;
  while (isMore) {
    const { edges, pageInfo }: Page = await pageBy(argumentsFrom(cursor));
    pages.push(edges.map(({ node }) => Number(node.title.replace('Book ', ''))));
    cursor = pageInfo[along];
    isMore = along === 'endCursor' ? pageInfo.hasNextPage : pageInfo.hasPreviousPage;
  }
  return pages;
}
