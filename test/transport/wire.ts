import type { AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { trust } from '../kit/http2-client.ts';

/** A TCP connection to a server under test: what is sent is sent as it stands. */
export interface Wire extends AsyncDisposable {
  readonly socket: Socket;
  readonly send: (...lines: readonly string[]) => void;
  /** Resolves with all that came once it matches. */
  readonly until: (pattern: RegExp) => Promise<string>;
  /** Resolves with all that came once the server has closed the connection. */
  readonly closed: Promise<string>;
}

/** To an address of https over TLS; HTTP/1.1 unless `tls` says otherwise. */
export async function openWire(url: string, tls: ConnectionOptions = {}): Promise<Wire> {
  const { protocol, hostname, port } = new URL(url);
  const peer = { host: hostname, port: Number(port) };
  const isSecure = protocol === 'https:';
  const socket = isSecure ? connectTls({ ...peer, ca: trust, ...tls }) : connect(peer);
  const done = Promise.withResolvers<string>();
  const waiting = new Set<() => void>();
  let received = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    received += text;
    for (const check of waiting) check();
  });
  // A reset is a way of closing, too.
  socket.on('error', () => {});
  socket.once('close', () => done.resolve(received));
  await new Promise<void>((resolve, reject) => {
    socket.once(isSecure ? 'secureConnect' : 'connect', resolve);
    socket.once('error', reject);
  });
  return {
    socket,
    send: (...lines) => void socket.write(lines.join('\r\n')),
    until: (pattern) =>
      new Promise((resolve) => {
        const check = () => {
          if (!pattern.test(received)) return;
          waiting.delete(check);
          resolve(received);
        };
        waiting.add(check);
        check();
      }),
    closed: done.promise,
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      await done.promise;
    },
  };
}

export function portOf(address: string | AddressInfo | null): number {
  return typeof address === 'object' && address ? address.port : 0;
}
