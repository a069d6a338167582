import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of the heap and of buffers that are still reachable. */
export async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose_gc');
  const collect: () => void = runInNewContext('gc');
  for (let round = 0; round < 3; round += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * Bytes by which {@link heldBytes} grows with each run of `work`, which has run before. Code that gets faster takes memory,
 * too, but not each time: of a few runs the least counts, and the first is enough that is below `enoughBytes`.
 */
export async function growthBytes(enoughBytes: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  let before = await heldBytes();
  let leastBytes = Number.POSITIVE_INFINITY;
  for (let run = 0; run < mostRuns && leastBytes >= enoughBytes; run += 1) {
    await work();
    const after = await heldBytes();
    leastBytes = Math.min(leastBytes, after - before);
    before = after;
  }
  return leastBytes;
}

const mostRuns = 6;
