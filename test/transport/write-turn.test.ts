import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { WriteTurn } from '../../src/transport/write-turn.ts';

/** Keeps what it is given in one call. */
function collecting(calls: string[][]): Writable {
  return new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      calls.push([String(chunk)]);
      done();
    },
    writev: (chunks, done) => {
      calls.push(chunks.map(({ chunk }) => String(chunk)));
      done();
    },
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('hold() lets what is written in one turn leave together, each turn anew', async () => {
  const calls: string[][] = [];
  const stream = collecting(calls);
  const writes = new WriteTurn();
  for (const text of ['one', 'two']) {
    writes.hold(stream);
    stream.write(text);
  }
  await Promise.resolve();
  writes.hold(stream);
  stream.write('three');
  expect(calls).toEqual([]);
  await turn();
  expect(calls).toEqual([['one', 'two', 'three']]);
  writes.hold(stream);
  stream.write('four');
  await turn();
  expect(calls).toEqual([['one', 'two', 'three'], ['four']]);
});

it('hold() keeps streams apart, and a stream that is destroyed harms no other', async () => {
  const [calls, lost]: [string[][], string[][]] = [[], []];
  const [stream, destroyed] = [collecting(calls), collecting(lost)];
  const writes = new WriteTurn();
  for (const each of [destroyed, stream]) {
    writes.hold(each);
    each.write('text');
  }
  destroyed.destroy();
  await turn();
  expect({ calls, lost }).toEqual({ calls: [['text']], lost: [] });
});
