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
  const channels = createChannels();
  const closing = new AbortController();
  let client: pg.Client | undefined;
  let loop: Promise<void> | undefined;
  /** One statement at a time: pg wants the next one only when the last is done. */
  let turn: Promise<unknown> = Promise.resolve();

  const hear = (connection: pg.Client, channel: string) => {
    const heard = turn.then(() => connection.query(`LISTEN ${pg.escapeIdentifier(channel)}`));
    // Who asked hears of a failure; the next in turn does not.
    turn = heard.catch(() => {});
    return heard;
  };

  /** Resolves when the connection is lost. */
  const connectOnce = async () => {
    const { connection, lost } = await connect(url, channels.tell, log);
    client = connection;
    try {
      for (const channel of channels.names()) await hear(connection, channel);
      channels.tellAll();
      if (!closing.signal.aborted) await lost;
    } finally {
      client = undefined;
      await connection.end();
    }
  };

  return {
    listen: (channel, onMessage) => {
      const isNew = channels.add(channel, onMessage);
      loop ??= keepTrying(connectOnce, closing.signal, log);
      // A connection that is being made hears the channel by itself; one that fails here is being replaced.
      if (isNew && client)
        hear(client, channel).catch((error) => log(`postgres: cannot listen: ${String(error)}`));
      return () => channels.remove(channel, onMessage);
    },
    close: async () => {
      closing.abort();
      await client?.end();
      await loop;
    },
  };
}

/** Who wants to hear what. A channel stays when its last listener leaves: there are few. */
function createChannels() {
  const channels = new Map<string, Set<(payload: string) => void>>();
  const tell = (channel: string, payload: string) => {
    for (const onMessage of channels.get(channel) ?? []) onMessage(payload);
  };
  return {
    names: () => channels.keys(),
    tell,
    tellAll: () => {
      for (const channel of channels.keys()) tell(channel, '');
    },
    /** Whether the channel is new. */
    add: (channel: string, onMessage: (payload: string) => void) => {
      const listeners = channels.get(channel);
      if (listeners) listeners.add(onMessage);
      else channels.set(channel, new Set([onMessage]));
      return listeners === undefined;
    },
    remove: (channel: string, onMessage: (payload: string) => void) => {
      channels.get(channel)?.delete(onMessage);
    },
  };
}

async function connect(
  url: string,
  tell: (channel: string, payload: string) => void,
  log: (line: string) => void,
): Promise<{ connection: pg.Client; lost: Promise<void> }> {
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
  return { connection, lost: lost.promise };
}

async function keepTrying(
  connectOnce: () => Promise<void>,
  closing: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  let retryMs = FIRST_RETRY_MS;
  while (!closing.aborted) {
    try {
      await connectOnce();
      retryMs = FIRST_RETRY_MS;
    } catch (error) {
      log(`postgres: cannot listen, next try in ${retryMs} ms: ${String(error)}`);
    }
    await pause(retryMs, closing);
    retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
