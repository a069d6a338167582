import { describe, expect, it } from 'vitest';
import { numberedTargetFrom, type ServerWords } from '../../bench/harness/numbered-server.ts';

const words: ServerWords = {
  url: 'http://a:4000/graphql',
  subscription: 'subscription { log { number } }',
  publish: 'mutation ($number: Int!) { publish(number: $number) }',
  number: 'log.number',
  header: [],
};

describe('numberedTargetFrom()', () => {
  it('is undefined where no server is named', () => {
    expect(numberedTargetFrom({ header: [] })).toBeUndefined();
  });

  it('takes what there is', () => {
    const target = numberedTargetFrom({ ...words, header: ['A: b'], init: '{"c":1}', transports: 'sse' });
    expect(target).toMatchObject({
      server: { numberPath: ['log', 'number'], headers: { a: 'b' }, init: { c: 1 } },
      transports: ['sse'],
    });
  });

  it.each([
    ['Int!', 7],
    ['Float', 7],
    ['String!', '7'],
    ['ID!', '7'],
  ])('gives a variable of type %s the number as %j', (type, expected) => {
    const publish = `mutation ($number: ${type}) { publish(number: $number) }`;
    expect(numberedTargetFrom({ ...words, publish })?.server.numberAs(7)).toBe(expected);
  });

  it.each([
    ['options without a server', { header: [], publish: words.publish }, '--publish: expected --url too'],
    ['a header without a server', { header: ['A: b'] }, '--header: expected --url too'],
    ['TLS', { ...words, url: 'https://a/graphql' }, '--url: expected plain http, got https://a/graphql'],
    ['an address that is none', { ...words, url: 'a' }, '--url: expected an address of http or https, got a'],
    [
      'no subscription',
      { ...words, subscription: undefined },
      '--subscription: expected a document, got none',
    ],
    [
      'a mutation without the variable',
      { ...words, publish: 'mutation { a }' },
      'expected a variable $number',
    ],
    ['no path', { ...words, number: undefined }, '--number: expected names of fields'],
    ['a path that is none', { ...words, number: 'a..b' }, 'got a..b'],
    [
      'another transport',
      { ...words, transports: 'ws,multipart' },
      'expected a list of ws, sse, got ws,multipart',
    ],
  ] satisfies [string, ServerWords, string][])('refuses %s', (_what, given, fault) => {
    expect(() => numberedTargetFrom(given)).toThrow(fault);
  });
});
