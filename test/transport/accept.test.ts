import { describe, expect, it } from 'vitest';
import { acceptedFrom } from '../../src/transport/accept.ts';

describe('acceptedFrom()', () => {
  it.each([
    [undefined, 1, 0, 0],
    ['', 1, 0, 0],
    ['*/*', 1, 0, 0],
    ['text/*', 0, 0, 0],
    ['application/*;q=0.3', 0.3, 0, 0],
    ['application/json', 1, 0, 0],
    ['application/graphql-response+json;q=0.2, application/json;q=0.7', 0.7, 0, 0],
    ['application/json;q=0, */*', 1, 0, 0],
    ['application/json;q=0, application/graphql-response+json;q=0, */*', 0, 0, 0],
    ['application/json; charset=latin1', 0, 0, 0],
    ['application/json; charset="UTF-8"', 1, 0, 0],
    ['text/event-stream', 0, 1, 0],
    ['text/event-stream, */*', 1, 1, 0],
    ['text/event-stream;q=0.5;level="a,b;c", application/json', 1, 0.5, 0],
    ['TEXT/Event-Stream ; Q=0.001', 0, 0.001, 0],
    ['text/event-stream;q=0', 0, 0, 0],
    ['text/event-stream;q=2', 0, 0, 0],
    ['text/event-stream;q=0.1234', 0, 0, 0],
    ['text/event-stream;q=', 0, 0, 0],
    ['multipart/mixed', 0, 0, 0],
    ['multipart/mixed;subscriptionSpec=2.0', 0, 0, 0],
    ['multipart/mixed;boundary="graphql";subscriptionSpec="1.0"', 0, 0, 1],
    // Apollo Client 4.
    [
      'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9',
      1,
      0,
      1,
    ],
    // urql.
    ['text/event-stream, multipart/mixed', 0, 1, 0],
    [
      'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
      1,
      1,
      0,
    ],
    // A browser that follows a link.
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 0.8, 0, 0],
    [',,;,"', 0, 0, 0],
  ])('takes %j as JSON %d, event stream %d, multipart %d', (header, json, eventStream, multipart) => {
    expect(acceptedFrom(header)).toMatchObject({ json, eventStream, multipart });
  });

  it.each([
    ['application/json', undefined],
    ['*/*', undefined],
    ['multipart/*, application/json', undefined],
    // Refusals come in JSON.
    ['multipart/mixed;incrementalSpec=v0.2', undefined],
    ['multipart/mixed;subscriptionSpec=1.0, application/json', undefined],
    ['multipart/mixed;incrementalSpec=v0.1, application/json', undefined],
    ['multipart/mixed;deferSpec=20220824;q=0, application/json', undefined],
    ['multipart/mixed;deferSpec=20220824;q=0.8, application/json', undefined],
    ['multipart/mixed;deferSpec=20220824;q=0.9, application/json;q=0.9', '20220824'],
    ['multipart/mixed;DeferSpec="20220824", */*;q=0.1', '20220824'],
    ['multipart/mixed;deferSpec=20220824, multipart/mixed;incrementalSpec=v0.2, application/json', 'v0.2'],
    [
      'multipart/mixed;deferSpec=20220824, multipart/mixed;incrementalSpec=v0.2;q=0.9, application/json;q=0.1',
      '20220824',
    ],
    // Apollo Client 4, by the handler that is installed.
    ['multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json,application/json;q=0.9', 'v0.2'],
    [
      'multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9',
      '20220824',
    ],
    // urql, and GraphiQL.
    [
      'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
      '20220824',
    ],
    ['application/json, multipart/mixed', '20220824'],
  ])('takes %j for answers in parts of the format %s', (header, parts) => {
    expect(acceptedFrom(header).parts).toBe(parts);
  });

  it.each([
    [undefined, 0, 1],
    ['*/*', 0, 1],
    ['application/json', 0, 1],
    ['application/graphql-response+json', 1, 0],
    ['application/graphql-response+json, application/json;q=0.9', 1, 0.9],
    ['application/json, application/*;q=0.2', 0, 1],
  ])('takes %j as GraphQL JSON %d, plain JSON %d', (header, graphqlJson, plainJson) => {
    expect(acceptedFrom(header)).toMatchObject({ graphqlJson, plainJson });
  });

  it('looks at no more than 32 ranges', () => {
    const many = Array.from({ length: 31 }, () => 'a/b').join(',');
    expect(acceptedFrom(`${many},text/event-stream`).eventStream).toBe(1);
    expect(acceptedFrom(`a/b,${many},text/event-stream`).eventStream).toBe(0);
  });

  it.each(['"'.repeat(16_000), ','.repeat(16_000), `a;${'b="\\'.repeat(4000)}`, ';='.repeat(8000)])(
    'reads hostile text in no time',
    (header) => {
      // A machine that is busy with other work makes it longer, and never shorter.
      let leastMs = Number.POSITIVE_INFINITY;
      for (let turn = 0; turn < 5; turn += 1) {
        const startMs = performance.now();
        acceptedFrom(`${header}${' '.repeat(turn)}`);
        leastMs = Math.min(leastMs, performance.now() - startMs);
      }
      expect(leastMs).toBeLessThan(50);
    },
  );
});
