import type { Socket } from 'node:net';
import { ChannelCredentials } from '@grpc/grpc-js';

type CreateConnector = ChannelCredentials['_createSecureConnector'];

/**
 * Credentials that drop a connection which never spoke when its channel gives it up. grpc-js forgets a socket that is
 * still in the HTTP/2 handshake when its channel closes (1.14: nothing calls the connector's shutdown), so each
 * attempt at a peer that accepts and stays silent would leave one socket open for ever.
 */
export class GuardedCredentials extends ChannelCredentials {
  readonly #inner: ChannelCredentials;

  constructor(inner: ChannelCredentials) {
    super();
    this.#inner = inner;
  }

  override _isSecure(): boolean {
    return this.#inner._isSecure();
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(...args: Parameters<CreateConnector>): ReturnType<CreateConnector> {
    const connector = this.#inner._createSecureConnector(...args);
    const sockets = new Set<Socket>();
    let isDestroyed = false;
    const track = (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    };
    return {
      connect: async (socket) => {
        if (isDestroyed) socket.destroy(); // TCP was still connecting when the channel closed
        track(socket);
        const result = await connector.connect(socket);
        if (result.socket !== socket) track(result.socket);
        return result;
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => {
        isDestroyed = true;
        connector.destroy();
        // A connection that spoke is closed by grpc-js itself, after its calls.
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      },
    };
  }
}
