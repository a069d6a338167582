import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { GraphQLInt, GraphQLList, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { LaterPart } from '../../src/operation/parts.ts';
import { answerInParts } from '../../src/transport/answer-in-parts.ts';
import type { UnfinishedAnswer } from '../../src/transport/finish-answers.ts';
import { startNode } from '../kit/child.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { mergedParts, partsAccepts, partsFrom } from '../kit/parts.ts';
import { openTinyGateway } from '../kit/tiny-gateway.ts';

/** 30 MB in all: far more than the buffers of a connection hold. */
const rows = 3000;
const text = 'x'.repeat(10_000);

/** A list whose items come one by one, as they are asked for. */
function createRows() {
  const state = { pulled: 0, isLeft: false };
  async function* resolve() {
    try {
      while (state.pulled < rows) {
        state.pulled += 1;
        yield { number: state.pulled, text };
      }
    } finally {
      state.isLeft = true;
    }
  }
  const Row = new GraphQLObjectType({
    name: 'Row',
    fields: { number: { type: GraphQLInt }, text: { type: GraphQLString } },
  });
  const fields = { rows: { type: new GraphQLList(Row), resolve } };
  return { state, schema: new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields }) }) };
}

/** Asks for the rows over a bare socket; what comes is kept while it is read. */
function askForRows(url: string): { readonly socket: Socket; readonly received: () => string } {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  const body = JSON.stringify({ query: '{ rows @stream(initialCount: 1) { number text } }' });
  const head = [
    'POST /graphql HTTP/1.1',
    `Host: ${host}`,
    'Content-Type: application/json',
    `Accept: ${partsAccepts['v0.2']}`,
    `Content-Length: ${body.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  let received = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    received += part;
  });
  return { socket, received: () => received };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

/** Resolves when `count` has stayed the same for a while. */
async function untilStill(count: () => number): Promise<number> {
  for (let [last, times] = [count(), 0]; ; times += 1) {
    if (count() !== last) [last, times] = [count(), 0];
    if (times === 30) return last;
    await turn();
  }
}

describe('an answer in parts that nobody reads', () => {
  it('asks for no more than its connection holds, and goes on to the end when it is read again', async () => {
    const { state, schema } = createRows();
    await using tiny = await openTinyGateway({
      schema,
      limits: { maxDeferredParts: 1, operationTimeoutMs: 60_000 },
    });
    const { socket, received } = askForRows(tiny.url);
    await once(socket, 'data');
    socket.pause();
    const pulled = await untilStill(() => state.pulled);
    expect(pulled).toBeLessThan(rows / 2);
    socket.resume();
    // The last boundary, and the end of the chunks.
    while (!received().endsWith('--\r\n\r\n0\r\n\r\n')) await turn();
    const numbers = [...received().matchAll(/"number":(\d+),/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: rows }, (_, index) => index + 1));
    socket.destroy();
  });

  it('ends with the deadline of its operation, whose sources are let go', async () => {
    const { state, schema } = createRows();
    await using tiny = await openTinyGateway({
      schema,
      limits: { maxDeferredParts: 1, operationTimeoutMs: 500 },
    });
    const { socket } = askForRows(tiny.url);
    await once(socket, 'data');
    socket.pause();
    while (!state.isLeft || tiny.log.operations.length === 0) await turn();
    expect(state.pulled).toBeLessThan(rows / 2);
    expect(tiny.log.operations).toMatchObject([{ outcome: 'partial', codes: ['UPSTREAM_TIMEOUT'] }]);
    socket.destroy();
  });

  it('is cut off 5 s after the deadline, and not before', async () => {
    const clock = createFakeClock();
    const unfinished = new Set<UnfinishedAnswer>();
    let [next, left] = [0, 0];
    const later = {
      next: async (): Promise<LaterPart> => {
        next += 1;
        return { hasNext: true, incremental: [{ id: '0', data: { text } }] };
      },
      leave: () => {
        left += 1;
      },
    };
    const answering = Promise.withResolvers<ServerResponse>();
    const server = createServer((_request, response) => {
      answering.resolve(response);
      const initial = { data: {}, pending: [{ id: '0', path: [] }], hasNext: true } as const;
      const deadlineMs = clock.nowMs() + 1000;
      const ends = { abort: () => {}, refuse: () => ({}) };
      void answerInParts({
        response,
        format: 'v0.2',
        initial,
        later,
        ...ends,
        unfinished,
        deadlineMs,
        clock,
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
    const asked = request({ port });
    asked.on('error', () => {}); // it is cut off
    asked.end();
    const [answer] = await once(asked, 'response');
    answer.on('error', () => {}).pause();
    const response = await answering.promise;
    await untilStill(() => next);
    clock.advance(5999);
    await turn();
    expect({ left, isOpen: !response.destroyed, unfinished: unfinished.size }).toEqual({
      left: 0,
      isOpen: true,
      unfinished: 1,
    });
    clock.advance(1);
    await once(response, 'close');
    expect({ left, unfinished: unfinished.size }).toEqual({ left: 1, unfinished: 0 });
    asked.destroy();
    server.close();
  });
});

describe('an answer in parts of a process that is told to stop', () => {
  /** Tells it when the first part is there; answers what came, and how the process ended. */
  async function stopAmid(query: string, closeTimeoutMs: number) {
    const child = startNode(['test/kit/parts-gateway.ts', String(closeTimeoutMs)]);
    const ready = /ready on (\S+)/;
    const [, url = ''] = ready.exec(await child.printed(ready)) ?? [];
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: partsAccepts['v0.2'] },
      body: JSON.stringify({ query }),
    });
    let body = '';
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      if (body === '') child.process.kill('SIGTERM');
      body += text;
    }
    return { ...partsFrom(body), exit: await child.ended };
  }

  it('comes to its end, and then the process does', async () => {
    const { parts, isComplete, exit } = await stopAmid('{ fast ... @defer { after(ms: 300) } }', 20_000);
    expect(exit).toBe(0);
    expect(isComplete).toBe(true);
    expect(mergedParts(parts)).toMatchObject({ data: { fast: 'fast', after: 300 }, errors: [] });
  });

  it('says what will not come when that takes too long, retryably', async () => {
    const query = '{ fast ... @defer(label: "a") { never } ... @defer(label: "b") { after(ms: 1) } }';
    const { parts, isComplete, exit } = await stopAmid(query, 300);
    expect(exit).toBe(0);
    expect(isComplete).toBe(true);
    const { data, errors } = mergedParts(parts);
    expect(data).toEqual({ fast: 'fast', after: 1 });
    expect(errors).toMatchObject([{ extensions: { code: 'OVERLOADED' } }]);
  });
});
