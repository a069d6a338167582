import type { ServerResponse } from 'node:http';

/** Sends the GraphiQL page: it loads with no network, because script, style and workers stand in it. */
export type Explorer = (response: ServerResponse) => Promise<void>;

/** An explorer of the graph at `endpoint`; its page (about 9 MB) is loaded and made when a browser first asks for it. */
export function createExplorer(endpoint: string): Explorer {
  let page: Promise<Buffer> | undefined;
  return async (response) => {
    page ??= renderPage(endpoint);
    const bytes = await page;
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': bytes.length,
      // Holds even a page that would try to the one address that it needs.
      'content-security-policy': contentSecurityPolicy,
    });
    response.end(bytes);
  };
}

/** Content Security Policy Level 3. The page is one file, its workers are blobs, Monaco evaluates nothing. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'unsafe-inline' blob:",
  "style-src 'unsafe-inline'",
  'img-src data:',
  'font-src data:',
  'worker-src blob:',
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** Explorers by the paths at which graphs are: each is made when it is first asked for. */
export function createExplorers(): (endpoint: string) => Explorer {
  const known = new Map<string, Explorer>();
  return (endpoint) => {
    const explorer = known.get(endpoint) ?? createExplorer(endpoint);
    known.set(endpoint, explorer);
    return explorer;
  };
}

async function renderPage(endpoint: string): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return Buffer.from(renderGraphiQL({ endpoint, title: 'Weir' }));
}
