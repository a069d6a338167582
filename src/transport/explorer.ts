import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import type { GraphiQLOptions } from 'graphql-yoga';

/** The GraphiQL page, whole: it loads with no network, because script, style and workers stand in it. */
export function renderExplorer(options: GraphiQLOptions): string {
  return renderGraphiQL({ ...options, title: 'Weir' });
}
