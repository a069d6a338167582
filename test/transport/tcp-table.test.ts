import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { linesOf, peerName, readTcpTable, sendingLines, silentPeers } from '../../src/transport/tcp-table.ts';

/** As Linux 6.18 writes them: what a peer gets whose link went down, and others that are well. */
const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n';
const lines = {
  listens:
    '   0: 0100007F:9D0F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2797047 1 00000000c995809d 100 0 0 10 0\n',
  idle: '   1: 0107FA0A:B057 0207FA0A:8396 01 00000000:00000000 00:00000000 00000000     0        0 2921850 1 00000000579042f8 20 0 0 10 -1\n',
  sentOnce:
    '   2: 0107FA0A:B057 0207FA0A:8397 01 00000003:00000000 01:00000014 00000000     0        0 2921850 2 00000000579042f8 20 0 0 10 -1\n',
  sentAgain:
    '   3: 0107FA0A:B057 0207FA0A:8398 01 00000003:00000000 01:0000006F 00000003     0        0 2921850 2 00000000579042f8 163 0 0 1 7\n',
  readsNothing:
    '   4: 0107FA0A:B057 0207FA0A:8399 01 00000003:00000000 04:0000006F 00000003     0        3 2921850 2 00000000579042f8 163 0 0 1 7\n',
  closing:
    '   5: 0107FA0A:B057 0207FA0A:839A 04 00000003:00000000 01:0000006F 00000003     0        0 2921850 2 00000000579042f8 163 0 0 1 7\n',
  mapped:
    '   6: 0000000000000000FFFF00000107FA0A:B057 0000000000000000FFFF00000207FA0A:8396 01 00000009:00000000 01:00000086 0000000A     0        0 2921850 2 00000000579042f8 326 0 0 1 7\n',
  ipv6: '   7: B80D0120000000000000000001000000:01BB B80D012000000000000000000A0B0C0D:FFFF 01 00000009:00000000 01:00000086 00000006     0        0 2921850 2 00000000579042f8 326 0 0 1 7\n',
};

it('silentPeers() names those to whom the same was sent again, and nobody else', () => {
  expect(silentPeers(head + Object.values(lines).join(''))).toEqual([
    '45143 10.250.7.2 33688',
    '45143 ::ffff:10.250.7.2 33686',
    '443 2001:db8::d0c:b0a 65535',
  ]);
  expect(silentPeers('')).toEqual([]);
});

it('linesOf() gives the lines that are wanted, and all others are none of a silent peer', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'weir-tcp-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, 'tcp');
  // Of 300 kB, so that lines lie on the borders of what is read at a time.
  const table = head + Array.from({ length: 250 }, () => Object.values(lines).join('')).join('');
  await writeFile(file, table);
  expect(await linesOf(file, /^.*\n/gm)).toBe(table);
  const sending = await linesOf(file, sendingLines);
  expect(sending.split('\n')).toHaveLength(250 * 4 + 1);
  expect(silentPeers(sending)).toEqual(silentPeers(table));
});

it.each(['127.0.0.1', '::ffff:127.0.0.1', '::1'])(
  'silentPeers() names a peer as its socket does: %s',
  async (host) => {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // as: it listens on an address
    const client = connect(port, host);
    const [socket]: Socket[] = await once(server, 'connection');
    // In the table of this machine it is well; there its line is made one of a peer that is silent.
    const table = (await readTcpTable()).replaceAll(/ 01 (\S+) \S+ \S+ /g, ' 01 $1 01:00000001 00000001 ');
    expect(silentPeers(table)).toContain(peerName(socket ?? {}));
    client.destroy();
    server.close();
  },
);
