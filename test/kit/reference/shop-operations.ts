import type { Draw } from '../generate/draw.ts';
import type { ValueSources } from '../generate/input-values.ts';
import { legalPages, type PagePlace, type PageSource } from '../generate/page-source.ts';
import type { OperationOptions } from '../generate/settings.ts';
import type { CursorBook, KnownList } from './cursor-book.ts';
import { globalId, readGlobalId } from './reference-ids.ts';
import { pageBounds } from './reference-page.ts';

/** How many rows there are of each type that has an id; the rows are numbered from 1. */
const rowsByType = { User: 2000, Product: 5000, Order: 20_000, Payment: 15_000, Room: 200 } as const;
type NodeType = keyof typeof rowsByType;

const nodeTypes = Object.keys(rowsByType) as NodeType[]; // as: keys of the table above
const noIds = ['', 'garbage!', 'VXNlcg', globalId('Secret', '1'), globalId('Review', 'review-1'), '12'];
const words = [
  'the',
  'A',
  'wood',
  'É',
  '%',
  '_',
  '',
  'no such title',
  'x'.repeat(100),
  'x'.repeat(101),
  '\0',
];
const decimals = ['0', '1.99', '9.99', '10', '19.990', '49.99', '120.5', '500', '-1', '99999999999.5'];

/** Options for operations of the shop: ids that exist and that do not, cursors of earlier answers, illegal pages. */
export function shopOperations(book: CursorBook): OperationOptions {
  return {
    sources: shopSources,
    pages: shopPages(book),
    shape: { maxSelections: 4 },
    listSizes: {
      'Query.nodes': ({ ids }) => (Array.isArray(ids) ? ids.length : 1),
      'Room.members': 7,
    },
    weights: {
      'Query.products': 2,
      'Query.orders': 2,
      'Query.nodes': 1.5,
      'Query.viewer': 2,
      'Query.salesReport': 0,
    },
  };
}

const shopSources: ValueSources = {
  Decimal: (draw) => draw.pick(decimals),
  'Order.lines(first:)': (draw) => draw.pick([0, 1, 2, 3, 100, draw.chance(0.1) ? 101 : 5]),
  'Query.node(id:)': (draw) => drawId(draw, draw.pick(nodeTypes)),
  'Query.nodes(ids:)': (draw) =>
    Array.from({ length: draw.chance(0.02) ? 101 : draw.between(0, 6) }, () =>
      drawId(draw, draw.pick(nodeTypes)),
    ),
  'Query.order(id:)': (draw) => drawId(draw, 'Order'),
  'Query.payment(id:)': (draw) => drawId(draw, 'Payment'),
  'Query.product(id:)': (draw) => drawId(draw, 'Product'),
  'Query.room(id:)': (draw) => drawId(draw, 'Room'),
  'Query.user(id:)': (draw) => drawId(draw, 'User'),
  'OrderFilter.customer': (draw) => drawId(draw, 'User'),
  'ProductFilter.query': (draw) => draw.pick(words),
};

/** Mostly one of a few rows, so that pages of the same list come again. */
function drawId(draw: Draw, type: NodeType): string {
  const rows = rowsByType[type];
  const row = (typename: NodeType, number: number) =>
    globalId(typename, `${typename.toLowerCase()}-${number}`);
  return draw.pickWeighted([
    [row(type, draw.between(1, 12)), 60],
    [row(type, draw.between(1, rows)), 30],
    [row(type, 0), 4],
    [row(draw.pick(nodeTypes), draw.between(1, 12)), 3],
    [draw.pick(noIds), 3],
  ]);
}

/** Legal pages, most of them from the start; some behind or before a row of an earlier answer; some refused. */
function shopPages(book: CursorBook): PageSource {
  const fromStart = legalPages(pageBounds);
  return (draw, place) => {
    const page = fromStart(draw, place);
    const list = draw.chance(0.4) ? drawList(draw, book, place) : undefined;
    if (list) return { ...page, arguments: { ...page.arguments, ...cursorArguments(draw, list) } };
    if (draw.chance(0.03))
      return { ...page, arguments: { ...page.arguments, ...draw.pick(foreign(draw, book)) } };
    if (draw.chance(0.03)) return { rows: 0, arguments: { ...page.arguments, ...draw.pick(illegal) } };
    return page;
  };
}

const illegal: readonly Readonly<Record<string, unknown>>[] = [
  { first: -1 },
  { first: 101 },
  { first: null, last: 101 },
  { first: 1, last: 1 },
  { last: -5 },
];

/** Cursors that are none of this list's. */
function foreign(draw: Draw, book: CursorBook): readonly Readonly<Record<string, unknown>>[] {
  const lists = ['Query.orders', 'User.friends', 'Query.products'].flatMap(book.known);
  const cursor = lists.length > 0 ? draw.pick(draw.pick(lists).cursors) : '';
  return [{ after: cursor }, { before: cursor }, { after: '' }, { before: 'AQ' }, { after: 'garbage' }];
}

/** A known list of this connection: any of a root field's, the parent's own where the parent is known. */
function drawList(draw: Draw, book: CursorBook, { coordinate, path }: PagePlace): KnownList | undefined {
  const lists = book.known(coordinate);
  const id = parentId(path.at(-1)?.arguments);
  const isOneOfAKind = coordinate.startsWith('Query.') || coordinate.startsWith('Viewer.');
  const fitting = isOneOfAKind ? lists : lists.filter(({ scope }) => scope['id'] === id);
  return fitting.length > 0 ? draw.pick(fitting) : undefined;
}

function parentId(args: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const id = args?.['id'];
  // What is no id here is one of the bad ones that this file draws.
  return typeof id === 'string' && !noIds.includes(id) ? readGlobalId(id).id : undefined;
}

/** `after`, `before` or both, with the filter and order that they are good for. */
function cursorArguments(draw: Draw, { scope, cursors }: KnownList): Readonly<Record<string, unknown>> {
  const { id: _parent, ...filter } = scope;
  const cursor = () => draw.pick(cursors);
  const bounds = draw.pick([
    { after: cursor() },
    { after: cursor() },
    { before: cursor() },
    { after: cursor(), before: cursor() },
  ]);
  return { ...filter, offset: undefined, ...bounds };
}
