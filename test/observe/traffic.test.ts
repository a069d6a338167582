import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTraffic, type TrafficDocument } from '../../src/observe/traffic.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';

const line: TrafficDocument = { kind: 'document', hash: 'h', text: '{ a }' };
const lineBytes = JSON.stringify(line).length + 1;

describe('createTraffic', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-traffic-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('createTraffic() appends JSON lines to what is there', async () => {
    const file = join(folder, 'traffic.jsonl');
    for (let start = 0; start < 2; start += 1) {
      const traffic = createTraffic({ file, maxBytes: 1000, log: createCollectingLog() });
      traffic.write(line);
      await traffic.close();
    }
    expect(await readFile(file, 'utf8')).toBe(`${JSON.stringify(line)}\n`.repeat(2));
  });

  it('createTraffic() stops at its size and counts what it drops', async () => {
    const file = join(folder, 'traffic.jsonl');
    const log = createCollectingLog();
    const traffic = createTraffic({ file, maxBytes: 2 * lineBytes, log });
    for (let index = 0; index < 5; index += 1) traffic.write(line);
    await traffic.close();
    expect((await readFile(file, 'utf8')).length).toBe(2 * lineBytes);
    expect(traffic.dropped()).toBe(3);
    expect(log.lines.map(({ message }) => message)).toEqual(['the record of traffic is full']);
  });

  it('createTraffic() says once that it cannot write, and goes on', async () => {
    const log = createCollectingLog();
    const traffic = createTraffic({ file: join(folder, 'no', 'such', 'folder'), maxBytes: 1000, log });
    traffic.write(line);
    await traffic.close();
    traffic.write(line);
    expect(log.lines.map(({ message }) => message)).toEqual(['traffic is recorded no more']);
  });
});
