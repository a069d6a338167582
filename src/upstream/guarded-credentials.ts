import type { Socket } from 'node:net';
import { ChannelCredentials } from '@grpc/grpc-js';
import type { Clock } from '../clock.ts';

type CreateConnector = ChannelCredentials['_createSecureConnector'];

/** How long a peer may stay silent. */
export interface ConnectPolicy {
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
}

/**
 * Credentials that drop a connection whose peer accepts and then says nothing: at `connectTimeoutMs`, and when the
 * channel closes. grpc-js 1.14 does neither (grpc-node issue 2785; nothing calls its connector's shutdown), so that a
 * silent address would never be tried again and each given-up attempt would leave a socket open for ever.
 */
export class GuardedCredentials extends ChannelCredentials {
  readonly #inner: ChannelCredentials;
  readonly #policy: ConnectPolicy;

  constructor(inner: ChannelCredentials, policy: ConnectPolicy) {
    super();
    this.#inner = inner;
    this.#policy = policy;
  }

  override _isSecure(): boolean {
    return this.#inner._isSecure();
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(...args: Parameters<CreateConnector>): ReturnType<CreateConnector> {
    const connector = this.#inner._createSecureConnector(...args);
    const { clock, connectTimeoutMs } = this.#policy;
    /** Drops a connection unless its peer has spoken; one per connection. */
    const dropIfSilent = new Set<() => void>();
    let isDestroyed = false;
    return {
      connect: async (socket) => {
        if (isDestroyed) socket.destroy(); // TCP was still connecting when the channel closed
        let secured: Socket | undefined;
        const drop = () => {
          // Under TLS the handshake does not count: what is awaited are the peer's HTTP/2 settings.
          if (secured === undefined || secured.bytesRead === 0) socket.destroy();
        };
        const cancelTimer = clock.after(connectTimeoutMs, drop);
        dropIfSilent.add(drop);
        socket.once('close', () => {
          cancelTimer();
          dropIfSilent.delete(drop);
        });
        const result = await connector.connect(socket);
        secured = result.socket;
        return result;
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => {
        isDestroyed = true;
        connector.destroy();
        // A connection that spoke is closed by grpc-js itself, after its calls.
        for (const drop of dropIfSilent) drop();
      },
    };
  }
}
