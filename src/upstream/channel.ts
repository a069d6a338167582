import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ChannelCredentials, type ChannelOptions, Client, connectivityState } from '@grpc/grpc-js';
import type { CancelTimer, Clock } from '../clock.ts';

/** How well a connection (or the best of several) is. */
export type Connectivity = 'idle' | 'connecting' | 'ready' | 'failing' | 'closed';

const connectivityByState = {
  [connectivityState.IDLE]: 'idle',
  [connectivityState.CONNECTING]: 'connecting',
  [connectivityState.READY]: 'ready',
  [connectivityState.TRANSIENT_FAILURE]: 'failing',
  [connectivityState.SHUTDOWN]: 'closed',
} as const satisfies Readonly<Record<connectivityState, Connectivity>>;

/** One grpc-js channel that cannot hang while connecting. */
export interface Channel {
  /** The client of the current connection; take it anew for each call. */
  readonly client: Client;
  /** The last attempt timed out and none has succeeded since: calls should go elsewhere or fail at once. */
  readonly isStuck: boolean;
  /** Calls on it now; counted by its user. */
  inFlight: number;
  connectivity(): Connectivity;
  /** Ends the connection after the calls on it. */
  close(): Promise<void>;
}

/** What {@link createChannel} needs. */
export interface ChannelSettings {
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly onConnectTimeout: () => void;
}

/**
 * Opens a channel, connected at its first call. When it has been CONNECTING for `connectTimeoutMs`, it is closed, so
 * that the calls waiting on it fail as UNAVAILABLE at that moment (calls already sent on an older connection go on),
 * and a fresh one tries in its place.
 */
export function createChannel(settings: ChannelSettings): Channel {
  const { clock, connectTimeoutMs } = settings;
  let client = newClient(settings);
  let cancelTimer: CancelTimer | undefined;
  let isStuck = false;
  let isClosed = false;

  const replace = () => {
    const old = client;
    isStuck = true;
    client = newClient(settings);
    old.close();
    settings.onConnectTimeout();
    watch(client);
    client.getChannel().getConnectivityState(true);
  };
  const stopTimer = () => {
    cancelTimer?.();
    cancelTimer = undefined;
  };
  /** Follows one client's state until it is replaced or closed; grpc-js calls back once per change. */
  const watch = (watched: Client) => {
    if (isClosed || watched !== client) return;
    const state = watched.getChannel().getConnectivityState(false);
    if (state === connectivityState.CONNECTING) cancelTimer ??= clock.after(connectTimeoutMs, onTimeout);
    else {
      stopTimer();
      // A fresh channel is idle before it tries: that proves nothing yet.
      if (state !== connectivityState.IDLE) isStuck = false;
    }
    watched.getChannel().watchConnectivityState(state, Number.POSITIVE_INFINITY, () => watch(watched));
  };
  const onTimeout = () => {
    cancelTimer = undefined;
    replace();
  };

  watch(client);
  return {
    get client() {
      return client;
    },
    get isStuck() {
      return isStuck;
    },
    inFlight: 0,
    connectivity: () => {
      if (isClosed) return 'closed';
      return isStuck ? 'failing' : connectivityByState[client.getChannel().getConnectivityState(false)];
    },
    close: async () => {
      isClosed = true;
      stopTimer();
      // grpc-js 1.14 gives the addresses of an IP target one turn late, even to a closed channel, which then connects.
      await nextTurn();
      client.close();
    },
  };
}

function newClient({ target, credentials, options }: ChannelSettings): Client {
  return new Client(target, credentials, options);
}
