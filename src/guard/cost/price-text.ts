import type { PriceNode } from './price-report.ts';

const columns = [
  {
    title: 'field',
    textOf: (node: PriceNode, depth: number) => `${'  '.repeat(depth)}${nameOf(node)}: ${node.type}`,
  },
  { title: 'own', textOf: ({ own }: PriceNode) => numberText(own) },
  { title: 'count', textOf: ({ count }: PriceNode) => numberText(count) },
  { title: 'inputs', textOf: ({ inputs }: PriceNode) => numberText(inputs) },
  { title: 'total', textOf: ({ total }: PriceNode) => numberText(total) },
] as const;

const actualColumn = {
  title: 'actual',
  textOf: ({ actual }: PriceNode) => (actual === undefined ? '' : numberText(actual)),
} as const;

/**
 * A price report as a table of text, a line for each field, indented by its depth; numbers stand on the right. `total`
 * is for one parent object: count x (own + totals below) + inputs. The column `actual` is there when objects were
 * counted.
 */
export function priceText(report: PriceNode): string {
  const shown = report.actual === undefined ? columns : [...columns, actualColumn];
  const rows = [
    shown.map(({ title }) => title as string),
    ...linesOf(report, 0).map(({ node, depth }) => shown.map(({ textOf }) => textOf(node, depth))),
  ];
  const widths = shown.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((text, column) => pad(text, column, widths))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

interface Line {
  readonly node: PriceNode;
  readonly depth: number;
}

function linesOf(node: PriceNode, depth: number): readonly Line[] {
  return [{ node, depth }, ...node.children.flatMap((child) => linesOf(child, depth + 1))];
}

function nameOf({ path }: PriceNode): string {
  return path === '' ? 'operation' : path.slice(path.lastIndexOf('.') + 1);
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) return 'unbounded';
  return value.toLocaleString('en', { maximumFractionDigits: 3 });
}

function pad(text: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0;
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}
