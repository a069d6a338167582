/** A regular expression as it stands in a file. */
export interface FoundExpression {
  readonly path: string;
  readonly expression: RegExp;
}

/** Comments, in which a slash means nothing. */
const comments = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm;
/** A literal behind what may stand before a value; one in a text would be found too, and is none by its flags. */
const literals =
  /(?:^|[=(,:[!&|?{};]|\breturn)\s*\/(?<source>(?:[^\\/\n[*]|\\.|\[(?:[^\\\]\n]|\\.)*\])(?:[^\\/\n[]|\\.|\[(?:[^\\\]\n]|\\.)*\])*)\/(?<flags>[dgimsuvy]*)(?![\w/])/gm;

/** The regular expressions that are written in a file of TypeScript as Biome formats it. */
export function expressionsIn(path: string, source: string): readonly FoundExpression[] {
  return [...source.replace(comments, '').matchAll(literals)].map(({ groups }) => ({
    path,
    expression: new RegExp(groups?.['source'] ?? '', groups?.['flags']),
  }));
}

/** Shorter ones first: what takes exponential time is told by them. */
const lengths = [24, 30, 1000, 20_000];
/** CPU in milliseconds: of 20,000 characters a linear one takes less than 1, a quadratic one hundreds. */
const mostCpuMs = 25;
const tries = 3;
const mostLetters = 10;

/** A text for which an expression takes longer than in proportion to its length; undefined where none was found. */
export function slowText(expression: RegExp): string | undefined {
  for (const length of lengths)
    for (const [name, text] of textsFor(expression, length)) {
      // A busy machine makes CPU time longer, and never shorter.
      const takes = Array.from({ length: tries }, () => 0);
      if (takes.every(() => cpuMsOf(expression, text) > mostCpuMs)) return `${length} of ${name}`;
    }
  return undefined;
}

/** Texts made of what the expression itself names, over and over, with something at the end that does not fit. */
function* textsFor(expression: RegExp, length: number): Generator<readonly [string, string]> {
  const letters = lettersOf(expression);
  const starts = ['', /^\^?([\w"'[{(-]*)/.exec(expression.source)?.[1] ?? ''];
  for (const one of letters)
    for (const other of letters)
      for (const [name, body] of [
        [`${one}${other} in turn`, `${one}${other}`.repeat(length / 2)],
        [`${one}, then ${other}`, one.repeat(length / 2) + other.repeat(length / 2)],
      ] as const)
        for (const start of new Set(starts)) yield [JSON.stringify(name), `${start}${body}\u0000`];
}

function lettersOf({ source }: RegExp): readonly string[] {
  const shown = source
    .replaceAll(/\\[dD]/g, '1')
    .replaceAll(/\\[wW]/g, 'a')
    .replaceAll(/\\[sStrn]/g, ' ')
    .replaceAll(/\\[pu]\{?[\w=]*\}?/g, 'a')
    .replaceAll('.', 'x');
  return [...new Set(`a1 ${shown.replaceAll(/[\\^$?*+()|]/g, '')}`)].slice(0, mostLetters);
}

function cpuMsOf(expression: RegExp, text: string): number {
  const before = process.threadCpuUsage();
  expression.lastIndex = 0;
  if (expression.global) text.match(expression);
  else expression.exec(text);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
