/** A value of a cell, as it goes into a column of text, a number, a timestamptz (milliseconds since 1970) or text[]. */
export type Cell = string | number | bigint | Date | readonly string[];

/** Characters of a chunk that {@link copyChunks} aims at. */
const chunkLength = 65_536;

/** Rows in the text format of COPY (PostgreSQL manual, COPY, "Text Format"), in chunks, never all at once. */
export function* copyChunks(rows: Iterable<readonly Cell[]>): Generator<string> {
  let chunk = '';
  for (const row of rows) {
    chunk += `${row.map(copyText).join('\t')}\n`;
    if (chunk.length < chunkLength) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

function copyText(cell: Cell): string {
  if (typeof cell === 'string') return escapeText(cell);
  if (typeof cell === 'number' || typeof cell === 'bigint') return String(cell);
  if (cell instanceof Date) return cell.toISOString();
  return escapeText(`{${cell.map(arrayElement).join(',')}}`);
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function escapeText(text: string): string {
  return text.replace(/[\\\t\n\r]/g, (character) => escapes[character] ?? character);
}

function arrayElement(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
