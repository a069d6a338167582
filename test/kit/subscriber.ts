import { EventSource } from 'eventsource';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import WebSocket from 'ws';

/** A subscription as a client asks for it. */
export interface Wanted {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  /** Bearer token; absent: nobody's. */
  readonly token?: string;
  /** Where to go on. */
  readonly resume?: string;
  /** Further members of the request's `extensions`. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Sent with each request and handshake. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Payload of `connection_init`, in place of the token. */
  readonly init?: Readonly<Record<string, unknown>>;
}

/** One result of a subscription, with its cursor wherever the transport has it. */
export interface Received {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
  readonly extensions?: Record<string, unknown>;
  readonly cursor: string | undefined;
}

/** What is told when a subscription is live; of transports that tell it. */
export interface Acknowledged {
  readonly cursor?: string;
  readonly recovered?: boolean;
  readonly reason?: string;
}

/** A client with one subscription. */
export interface Subscriber extends AsyncDisposable {
  /** All that came, in order. */
  readonly received: readonly Received[];
  /** The next result that was not taken yet; rejects with what ended the subscription. */
  readonly next: () => Promise<Received>;
  /** Resolves when the subscription is live; rejects when it ends before. */
  readonly live: Promise<Acknowledged>;
  /** Resolves when the first result with data has come: where nothing tells that it is live, that does. */
  readonly first: Promise<Acknowledged>;
  /** Resolves with what ended it, `undefined` for `complete`. */
  readonly ended: Promise<unknown>;
}

/** Opens a subscription at the graph's `http://` address by one transport. */
export type Subscribe = (url: string, wanted: Wanted) => Subscriber;

/** What arrives, for one that waits. */
function createInbox(close: () => unknown) {
  const received: Received[] = [];
  let taken = 0;
  let wake = Promise.withResolvers<void>();
  const live = Promise.withResolvers<Acknowledged>();
  const first = Promise.withResolvers<Acknowledged>();
  const ended = Promise.withResolvers<unknown>();
  let end: { readonly with: unknown } | undefined;
  live.promise.catch(() => {});
  const subscriber: Subscriber = {
    received,
    live: live.promise,
    first: first.promise,
    ended: ended.promise,
    next: async () => {
      for (;;) {
        const next = received[taken];
        if (next) {
          taken += 1;
          return next;
        }
        if (end) throw end.with ?? new Error('It was completed.');
        await wake.promise;
      }
    },
    [Symbol.asyncDispose]: async () => {
      try {
        await close();
      } catch {
        // A graphql-ws that is still connecting fails with what became of that; `ended` has told it.
      }
    },
  };
  const ring = () => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  return {
    subscriber,
    acknowledge: live.resolve,
    take: (result: Omit<Received, 'cursor'>, cursor?: string) => {
      const told = result.extensions?.['cursor'];
      received.push({ ...result, cursor: cursor ?? (typeof told === 'string' ? told : undefined) });
      if (result.data) first.resolve({});
      ring();
    },
    end: (reason?: unknown) => {
      end ??= { with: reason };
      live.reject(reason ?? new Error('It was completed.'));
      ended.resolve(reason);
      ring();
    },
  };
}

function payloadOf({ query, variables = {}, resume, extensions }: Wanted) {
  const all = { ...extensions, ...(resume !== undefined && { resume }) };
  return { query, variables, ...(Object.keys(all).length > 0 && { extensions: all }) };
}

/** graphql-ws, which does not come back by itself here. */
export const subscribeByWs: Subscribe = (url, wanted) => {
  const client = createWsClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: wanted.headers ? webSocketWith(wanted.headers) : WebSocket,
    retryAttempts: 0,
    ...(wanted.token !== undefined && { connectionParams: { authorization: `Bearer ${wanted.token}` } }),
    ...(wanted.init !== undefined && { connectionParams: wanted.init }),
    on: {
      ping: (isReceived, payload) => {
        if (isReceived && payload) inbox.acknowledge(payload);
      },
    },
  });
  const inbox = createInbox(() => client.dispose());
  client.subscribe(payloadOf(wanted), {
    next: (result) => inbox.take(result as Omit<Received, 'cursor'>), // as: of our own graph
    error: inbox.end,
    complete: () => inbox.end(),
  });
  return inbox.subscriber;
};

/** One whose handshakes have these headers. */
function webSocketWith(headers: Readonly<Record<string, string>>): unknown {
  return class extends WebSocket {
    constructor(url: string | URL, subprotocols: string[]) {
      super(url, subprotocols, { headers });
    }
  };
}

/** What event streams tell of being live, which no client shows: an id without an event, or a comment. */
const livePattern = /(?:^|\n)(?:id: (\S+)|:live(?: "[^"]*" "([^"]*)")?)\n\n/;

/** Fetch that reads along until an event stream is live. */
function fetchWatched(onLive: (acknowledged: Acknowledged) => void): typeof fetch {
  return async (target, init) => {
    const response = await fetch(target, init);
    if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream'))
      return response;
    let text: string | undefined = '';
    const decoder = new TextDecoder();
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          controller.enqueue(chunk);
          if (text === undefined) return;
          text += decoder.decode(chunk, { stream: true });
          const [found, id, single] = livePattern.exec(text) ?? [];
          if (found === undefined) return;
          text = undefined;
          const cursor = id ?? single;
          onLive(cursor ? { cursor } : {});
        },
      }),
    );
    const { status, headers } = response;
    return Object.defineProperty(new Response(body, { status, headers }), 'url', { value: response.url });
  };
}

/** graphql-sse in its distinct connections mode, which shows no cursors. */
export const subscribeBySse: Subscribe = (url, wanted) => openSse(url, wanted, false);

/** graphql-sse in its single connection mode. */
export const subscribeBySingleSse: Subscribe = (url, wanted) => openSse(`${url}/stream`, wanted, true);

function openSse(url: string, wanted: Wanted, singleConnection: boolean): Subscriber {
  const client = createSseClient({
    url,
    singleConnection,
    retryAttempts: 0,
    fetchFn: fetchWatched((acknowledged) => inbox.acknowledge(acknowledged)),
    headers: {
      ...wanted.headers,
      ...(wanted.token !== undefined && { authorization: `Bearer ${wanted.token}` }),
    },
  });
  const inbox = createInbox(() => client.dispose());
  client.subscribe(payloadOf(wanted), {
    next: (result) => inbox.take(result as Omit<Received, 'cursor'>), // as: of our own graph
    error: inbox.end,
    complete: () => inbox.end(),
  });
  return inbox.subscriber;
}

/** What a refusal says; of another server it may be a page. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** EventSource by GET, with its ids; it is closed at its first end instead of coming back. */
export const subscribeByEventSource: Subscribe = (url, wanted) => {
  const { query, variables = {}, token, resume, extensions } = wanted;
  const address = new URL(url);
  address.searchParams.set('query', query);
  address.searchParams.set('variables', JSON.stringify(variables));
  if (resume !== undefined) address.searchParams.set('lastEventId', resume);
  if (extensions) address.searchParams.set('extensions', JSON.stringify(extensions));
  const watched = fetchWatched((acknowledged) => inbox.acknowledge(acknowledged));
  const source = new EventSource(address, {
    fetch: async (target, init) => {
      const headers = new Headers({ ...Object.fromEntries(new Headers(init.headers)), ...wanted.headers });
      // A native one can only ask for trusted documents.
      headers.set('graphql-require-preflight', '1');
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
      const response = await watched(target, { ...init, headers });
      if (!response.ok) inbox.end(await response.clone().text().then(jsonOrText));
      return response;
    },
  });
  const inbox = createInbox(() => source.close());
  source.addEventListener('next', (message) => {
    inbox.take(JSON.parse(message.data), message.lastEventId || undefined);
  });
  source.addEventListener('complete', () => {
    source.close();
    inbox.end();
  });
  source.addEventListener('error', (error) => {
    source.close();
    inbox.end(error);
  });
  return inbox.subscriber;
};
