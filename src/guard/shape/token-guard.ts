import type { ShapeLimitName, ShapeLimits } from './limits.ts';

/** Character codes that the grammar of GraphQL gives a meaning (specification, section 2.1). */
const codes = {
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  quote: 0x22,
  hash: 0x23,
  dollar: 0x24,
  openParen: 0x28,
  closeParen: 0x29,
  plus: 0x2b,
  minus: 0x2d,
  dot: 0x2e,
  colon: 0x3a,
  at: 0x40,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

/** How many braces and spreads may stand within each other for each level of fields. */
export const bracesPerLevel = 4;

/** Stands in {@link Scan.literals} for an object; a list has the number of its values there. */
const inObject = -1;

interface Scan {
  readonly source: string;
  readonly limits: ShapeLimits;
  at: number;
  tokens: number;
  aliases: number;
  directives: number;
  fragments: number;
  variables: number;
  /** Open braces of selections, and the most that there were. */
  braces: number;
  mostBraces: number;
  parens: number;
  /** Open lists and objects of values, the innermost last. */
  readonly literals: number[];
  /** First character of the token before. */
  previous: number;
}

/**
 * The first bound that a document's text goes beyond: tokens, lines, names, directives, aliases, fragments, variables, the
 * nesting and length of literals, and enough of the nesting of selections that the parser's recursion is bounded.
 * One pass over the text that stops at the first excess and keeps nothing, where the lexer of graphql-js makes an object of
 * every token and comment. What is no GraphQL is counted somehow and left to the parser.
 */
export function excessOfText(source: string, limits: ShapeLimits): ShapeLimitName | undefined {
  const scan = scanOf(source, limits);
  while (scan.at < source.length) {
    const code = source.charCodeAt(scan.at);
    if (isIgnored(code)) {
      scan.at += 1;
      continue;
    }
    const excess = takeToken(scan, code);
    if (excess) return excess;
    if (code !== codes.hash) scan.previous = code;
  }
  return excessOfWhole(scan);
}

/** Told last: a document of ten thousand aliases is too long as well, and one of ten thousand braces has too many tokens. */
function excessOfWhole({ source, limits, mostBraces }: Scan): ShapeLimitName | undefined {
  if (mostBraces > limits.maxDepth * bracesPerLevel) return 'maxDepth';
  if (source.length > limits.documentMaxLength) return 'documentMaxLength';
  const hasMoreLines = hasMore(source, '\n', limits.maxTokens) || hasMore(source, '\r', limits.maxTokens);
  return hasMoreLines ? 'maxTokens' : undefined;
}

/** GraphQL errors tell lines, and graphql-js counts them anew for each error: a million empty ones took it a second. */
function hasMore(source: string, character: string, maximum: number): boolean {
  let count = 0;
  for (let at = source.indexOf(character); at >= 0; at = source.indexOf(character, at + 1)) {
    count += 1;
    if (count > maximum) return true;
  }
  return false;
}

function scanOf(source: string, limits: ShapeLimits): Scan {
  return {
    source,
    limits,
    at: 0,
    tokens: 0,
    aliases: 0,
    directives: 0,
    fragments: 0,
    variables: 0,
    braces: 0,
    mostBraces: 0,
    parens: 0,
    literals: [],
    previous: codes.closeBrace,
  };
}

function takeToken(scan: Scan, code: number): ShapeLimitName | undefined {
  const { source, limits, at } = scan;
  scan.at = endOfToken(source, at, code);
  scan.tokens += 1;
  if (scan.tokens > limits.maxTokens) return 'maxTokens';
  if (isNameStart(code)) return takeName(scan, at);
  if (isDigit(code) || code === codes.minus || code === codes.quote) return takeValue(scan);
  return takeMark(scan, code);
}

function takeName(scan: Scan, start: number): ShapeLimitName | undefined {
  const { source, limits, at, braces, parens, previous } = scan;
  if (at - start > limits.nameMaxLength) return 'nameMaxLength';
  if (previous === codes.dollar) return undefined;
  const isDefinition = braces === 0 && parens === 0 && isDefinitionEnd(previous);
  if (isDefinition && source.slice(start, at) === 'fragment') {
    scan.fragments += 1;
    if (scan.fragments > limits.maxFragments) return 'maxFragments';
  }
  return takeValue(scan);
}

/** What stands before a definition: the end of another one, or a description. */
function isDefinitionEnd(code: number): boolean {
  return code === codes.closeBrace || code === codes.quote;
}

/** One more value, where a list is open. */
function takeValue({ literals, limits }: Scan): ShapeLimitName | undefined {
  const innermost = literals.length - 1;
  const length = literals[innermost];
  if (length === undefined || length === inObject) return undefined;
  literals[innermost] = length + 1;
  return length + 1 > limits.maxListLength ? 'maxListLength' : undefined;
}

function takeMark(scan: Scan, code: number): ShapeLimitName | undefined {
  const { limits, literals } = scan;
  switch (code) {
    case codes.openBrace:
      return isInValue(scan) ? openLiteral(scan, inObject) : openSelection(scan);
    case codes.openBracket:
      return openLiteral(scan, 0);
    case codes.closeBrace:
    case codes.closeBracket:
      if (literals.pop() === undefined) scan.braces -= 1;
      return undefined;
    case codes.openParen:
      scan.parens += 1;
      return undefined;
    case codes.closeParen:
      scan.parens -= 1;
      return undefined;
    case codes.colon:
      if (isInValue(scan)) return undefined;
      scan.aliases += 1;
      return scan.aliases > limits.maxAliases ? 'maxAliases' : undefined;
    case codes.at:
      scan.directives += 1;
      return scan.directives > limits.maxDirectives ? 'maxDirectives' : undefined;
    case codes.dollar:
      if (scan.braces === 0) scan.variables += 1;
      return scan.variables > limits.maxVariables ? 'maxVariables' : takeValue(scan);
    default:
      return undefined;
  }
}

/** Arguments, variables' defaults and types: all that is not a selection. */
function isInValue({ parens, literals }: Scan): boolean {
  return parens > 0 || literals.length > 0;
}

function openSelection(scan: Scan): undefined {
  scan.braces += 1;
  scan.mostBraces = Math.max(scan.mostBraces, scan.braces);
}

function openLiteral(scan: Scan, kind: number): ShapeLimitName | undefined {
  const excess = takeValue(scan);
  scan.literals.push(kind);
  return scan.literals.length > scan.limits.maxLiteralDepth ? 'maxLiteralDepth' : excess;
}

/** Where the token ends that begins at `start` with `code`; never less than the next character. */
function endOfToken(source: string, start: number, code: number): number {
  if (isNameStart(code)) return endOfName(source, start + 1);
  if (isDigit(code) || code === codes.minus) return endOfNumber(source, start + 1);
  if (code === codes.quote) return endOfString(source, start);
  if (code === codes.hash) return endOfLine(source, start + 1);
  if (code === codes.dot && source.startsWith('...', start)) return start + 3;
  return start + 1;
}

function endOfName(source: string, from: number): number {
  let at = from;
  while (isNameContinue(source.charCodeAt(at))) at += 1;
  return at;
}

/** A sign ends a number unless it begins an exponent: `1-1` is two tokens. */
function endOfNumber(source: string, from: number): number {
  let at = from;
  for (;;) {
    const code = source.charCodeAt(at);
    const isSign = code === codes.plus || code === codes.minus;
    const goesOn = isSign
      ? isExponent(source.charCodeAt(at - 1))
      : isNameContinue(code) || code === codes.dot;
    if (!goesOn) return at;
    at += 1;
  }
}

function endOfString(source: string, start: number): number {
  if (source.startsWith('"""', start)) return endOfBlockString(source, start + 3);
  for (let at = start + 1; at < source.length; at += 1) {
    const code = source.charCodeAt(at);
    if (code === codes.quote) return at + 1;
    if (isLineEnd(code)) return at;
    if (code === codes.backslash) at += 1;
  }
  return source.length;
}

function endOfBlockString(source: string, from: number): number {
  let at = source.indexOf('"""', from);
  while (at >= 0 && source.charCodeAt(at - 1) === codes.backslash) at = source.indexOf('"""', at + 3);
  return at < 0 ? source.length : at + 3;
}

function endOfLine(source: string, from: number): number {
  let at = from;
  while (at < source.length && !isLineEnd(source.charCodeAt(at))) at += 1;
  return at;
}

/** Specification, section 2.1.7: white space, line ends, commas and the byte order mark. */
function isIgnored(code: number): boolean {
  return code === 0x20 || code === 0x2c || code === 0x09 || isLineEnd(code) || code === 0xfeff;
}

function isLineEnd(code: number): boolean {
  return code === codes.lineFeed || code === codes.carriageReturn;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** `E` or `e`. */
function isExponent(code: number): boolean {
  return (code | 0x20) === 0x65;
}

function isNameStart(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || code === 0x5f;
}

function isNameContinue(code: number): boolean {
  return isNameStart(code) || isDigit(code);
}
