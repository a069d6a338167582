import type { GraphQLSchema } from 'graphql';
import { type VisibleElement, visibleElements } from './shown.ts';

/**
 * What the texts of a view tell of names that the whole schema has and the view has not: one line for each. A word counts
 * where it cannot be but a name: in backquotes, or written as none but names are (`twoWords`, `TWO_WORDS`).
 */
export function toldNames(whole: GraphQLSchema, view: GraphQLSchema): readonly string[] {
  const shown = namesOf(view);
  const hidden = new Set([...namesOf(whole)].filter((name) => !shown.has(name)));
  return visibleElements(view).flatMap((element) =>
    [...new Set(namesIn(textOf(element)))]
      .filter((name) => hidden.has(name))
      .map((name) => `${element} is shown, and its description tells of "${name}", which is hidden`),
  );
}

function namesOf(schema: GraphQLSchema): ReadonlySet<string> {
  return new Set(visibleElements(schema).map(({ name }) => name));
}

function textOf(element: VisibleElement): string {
  const reason = 'deprecationReason' in element ? element.deprecationReason : '';
  return `${element.description ?? ''}\n${reason ?? ''}`;
}

const quotedPattern = /`([^`]*)`/g;
const wordPattern = /[A-Za-z_][A-Za-z0-9_]*/g;
/** No word of a sentence has a capital or a line below within. */
const namePattern = /[a-z0-9][A-Z]|_|^[A-Z][A-Z0-9]+$/;

function namesIn(text: string): readonly string[] {
  const quoted = [...text.matchAll(quotedPattern)].flatMap(
    ([, inner = '']) => inner.match(wordPattern) ?? [],
  );
  return [...quoted, ...(text.match(wordPattern) ?? []).filter((word) => namePattern.test(word))];
}
