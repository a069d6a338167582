import pg from 'pg';

export interface Listener {
  /** Calls `onMessage` for each NOTIFY of `channel`, and with '' after a lost connection is back. Answers what ends it. */
  listen(channel: string, onMessage: (payload: string) => void): () => void;
  close(): Promise<void>;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/** One connection that hears for everybody in the process. It opens with the first `listen` and comes back when lost. */
export function createListener({ url, log }: { url: string; log: (line: string) => void }): Listener {
  const channels = new Map<string, Set<(payload: string) => void>>();
  const closing = new AbortController();
  let client: pg.Client | undefined;
  let loop: Promise<void> | undefined;
  /** One statement at a time: pg wants the next one only when the last is done. */
  let turn: Promise<unknown> = Promise.resolve();

  const tell = (channel: string, payload: string) => {
    for (const onMessage of channels.get(channel) ?? []) onMessage(payload);
  };
  const tellAll = () => {
    for (const channel of channels.keys()) tell(channel, '');
  };

  const hear = (connection: pg.Client, channel: string) => {
    const heard = turn.then(() => connection.query(`LISTEN ${pg.escapeIdentifier(channel)}`));
    // Who asked hears of a failure; the next in turn does not.
    turn = heard.catch(() => {});
    return heard;
  };

  /** Resolves when the connection is lost. */
  const connectOnce = async () => {
    const connection = new pg.Client({
      connectionString: url,
      application_name: 'shop listener',
      keepAlive: true,
    });
    const lost = Promise.withResolvers<void>();
    connection.on('error', (error) => log(`postgres: the listening connection was lost: ${error.message}`));
    connection.on('end', () => lost.resolve());
    connection.on('notification', ({ channel, payload = '' }) => tell(channel, payload));
    await connection.connect();
    client = connection;
    if (closing.signal.aborted) await connection.end();
    else for (const channel of channels.keys()) await hear(connection, channel);
    tellAll();
    return lost.promise;
  };

  const keepConnected = async () => {
    let retryMs = FIRST_RETRY_MS;
    while (!closing.signal.aborted) {
      try {
        await connectOnce();
        retryMs = FIRST_RETRY_MS;
      } catch (error) {
        log(`postgres: cannot listen, next try in ${retryMs} ms: ${String(error)}`);
      }
      client = undefined;
      await pause(retryMs, closing.signal);
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
    }
  };

  const add = (channel: string) => {
    const listeners = new Set<(payload: string) => void>();
    channels.set(channel, listeners);
    // A connection that is being made picks the channel up itself; one that fails here is replaced by the loop.
    client
      ?.query(`LISTEN ${pg.escapeIdentifier(channel)}`)
      .catch((error) => log(`postgres: ${String(error)}`));
    return listeners;
  };

  return {
    listen: (channel, onMessage) => {
      const listeners = channels.get(channel) ?? add(channel);
      listeners.add(onMessage);
      loop ??= keepConnected();
      return () => listeners.delete(onMessage);
    },
    close: async () => {
      closing.abort();
      await client?.end();
      await loop;
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
