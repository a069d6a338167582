import { describe, expect, it } from 'vitest';
import { openTinyGateway, preflighted, send } from '../kit/tiny-gateway.ts';

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

describe('createExplorer()', () => {
  it('gives a browser the page, the same one each time', async () => {
    await using tiny = await openTinyGateway();
    const first = await send(tiny.url, { headers: { accept: browser } });
    expect(first.status).toBe(200);
    expect(first.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(first.text).toContain('<title>Weir</title>');
    expect(first.text).toContain('"endpoint":"/graphql"');
    expect((await send(tiny.url, { headers: { accept: 'text/html' } })).text).toBe(first.text);
  });

  it('gives no page to who posts, or asks for JSON', async () => {
    await using tiny = await openTinyGateway();
    const answer = await send(`${tiny.url}?query={fast}`, {
      headers: { ...preflighted, accept: 'application/json' },
    });
    expect(answer.json).toEqual({ data: { fast: 'fast' } });
  });

  it('needs no network: nothing in the page names another address to load from', async () => {
    await using tiny = await openTinyGateway();
    const { text } = await send(tiny.url, { headers: { accept: browser } });
    expect(text.length).toBeGreaterThan(1_000_000);
    expect(loadsFrom(text)).toEqual([]);
  });

  it('would see an address to load from, wherever it stands', () => {
    const ways = [
      '<script src="https://cdn.example/a.js"></script>',
      '<link rel="stylesheet" href="//cdn.example/a.css">',
      '<style>@import url("https://cdn.example/a.css");</style>',
      "<style>body { background: url('http://cdn.example/a.png') }</style>",
      '<script>import("https://cdn.example/a.js")</script>',
      '<script>importScripts("https://cdn.example/a.js")</script>',
      '<script>fetch(`https://cdn.example/a.js`)</script>',
      '<script>new Worker("//cdn.example/a.js")</script>',
      '<img src=https://cdn.example/a.png>',
    ];
    for (const way of ways) expect(loadsFrom(way)).toHaveLength(1);
  });

  it('is held to its own address by its policy, whatever it does', async () => {
    await using tiny = await openTinyGateway();
    const { headers } = await send(tiny.url, { headers: { accept: browser } });
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).not.toMatch(/https?:|\*/);
  });
});

/** What a page loads from other hosts: attributes of its own tags, and calls and rules in its scripts and styles. */
function loadsFrom(page: string): readonly string[] {
  const withoutScripts = page.replace(/<(script|style)\b([^>]*)>[\s\S]*?<\/\1>/g, '<$1$2>');
  const other = '(?:https?:)?//';
  const attributes = withoutScripts.matchAll(
    new RegExp(`\\s(?:src|href|action|data)=["']?${other}[^"'\\s>]+`, 'g'),
  );
  const quoted = `\\(?\\s*\\\\?["'\`]?${other}[\\w.-]+`;
  const rules = page.matchAll(new RegExp(`(?:@import\\s+(?:url)?|\\burl)${quoted}`, 'g'));
  const calls = page.matchAll(
    /\b(?:fetch|import|importScripts|Worker|EventSource|WebSocket)\(\s*\\?["'`](?:wss?:|https?:)?\/\/[\w.-]+/g,
  );
  const rulesNotNested = [...rules].filter(([found]) => !/^url\(?["'`]?https?:\/\/www\.w3\.org/.test(found));
  return [...attributes, ...rulesNotNested, ...calls].map(([found]) => found).filter(isDistinct);
}

function isDistinct(found: string, index: number, all: readonly string[]): boolean {
  return all.findIndex((one) => one.includes(found) || found.includes(one)) === index;
}
