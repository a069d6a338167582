import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { errorTable, type WeirError } from '../errors.ts';
import { closeTable } from './close-codes.ts';
import type { NoRoom } from './connections.ts';
import { type OriginRules, originFault } from './origins.ts';
import type { StreamParts } from './stream-parts.ts';
import { WsConnection, type WsOpening } from './ws-connection.ts';
import { subprotocol } from './ws-message.ts';

/** Takes over a request to upgrade to a WebSocket, or refuses it with a status of HTTP. */
export type Upgrade = (request: IncomingMessage, socket: Socket, head: Buffer, arrival: WsArrival) => void;

/** What the edge says of an upgrade. */
export interface WsArrival {
  readonly opening: WsOpening;
  /** That its client asked for. */
  readonly host: string;
  /** Of its head, whatever it asks for. */
  readonly refusal: WeirError | undefined;
}

/** What upgrades need beside what all streams share. */
export interface WsServerOptions {
  /** Which origins may connect. */
  readonly origins: OriginRules;
}

/** Milliseconds that a peer has for its part of the closing handshake. */
const closeTimeoutMs = 5000;
/** A socket that knows its connection, so that one function serves all as listener. */
class ConnectedSocket extends WebSocket {
  connection: WsConnection | undefined;
}

/** Opens WebSockets of `graphql-transport-ws` on upgrades of an HTTP server. */
export function createWsServer(parts: StreamParts, options: WsServerOptions): Upgrade {
  const server = new WebSocketServer(serverOptions(parts.limits.frameMaxBytes));
  return (request, socket, head, arrival) => {
    const { opening } = arrival;
    const refusal = refusalOf(request, arrival, options);
    if (refusal !== undefined) return refuseUpgrade(socket, refusal);
    const noRoom = parts.connections.admit();
    server.handleUpgrade(request, socket, head, (webSocket) => {
      if (!(webSocket instanceof ConnectedSocket)) return;
      listen(webSocket);
      if (noRoom === undefined)
        webSocket.connection = new WsConnection(parts, { webSocket, socket }, opening);
      else turnAway(webSocket, noRoom, parts);
    });
  };
}

/** Refuses an upgrade where no WebSocket is served. */
export function refuseElsewhere(socket: Socket): void {
  refuseUpgrade(socket, wrongPath);
}

function serverOptions(maxPayload: number) {
  return {
    noServer: true,
    WebSocket: ConnectedSocket,
    clientTracking: false,
    // Its window is 32 KiB and more for each connection, and a small message may unfold to a large one.
    perMessageDeflate: false,
    // We answer pings ourselves: counted, and without a closure for each connection.
    autoPong: false,
    maxPayload,
    closeTimeout: closeTimeoutMs,
    handleProtocols: (offered: Set<string>) => (offered.has(subprotocol) ? subprotocol : false),
  } as const;
}

interface UpgradeRefusal {
  readonly status: string;
  readonly message: string;
}

const wrongPath: UpgradeRefusal = {
  status: '404 Not Found',
  message: 'There is no WebSocket here.',
};

function refusalOf(
  request: IncomingMessage,
  { host, refusal }: WsArrival,
  { origins }: WsServerOptions,
): UpgradeRefusal | undefined {
  if (refusal !== undefined) {
    const { httpStatus } = errorTable[refusal.code];
    return { status: `${httpStatus} ${STATUS_CODES[httpStatus]}`, message: refusal.message };
  }
  const fault = originFault(request.headers.origin, host, origins);
  if (fault !== undefined) return { status: '403 Forbidden', message: fault };
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (!offered.includes(subprotocol)) {
    const message = `Header "Sec-WebSocket-Protocol": expected ${subprotocol}.`;
    return { status: '400 Bad Request', message };
  }
  return undefined;
}

/**
 * To a client every status but 101 is an error without a code (WHATWG WebSockets, section 4), after which graphql-ws gives
 * up for good: so it is let in, and told to come back by a code, before a message of it is read.
 */
function turnAway(webSocket: WebSocket, reason: NoRoom, { onConnectRefused }: StreamParts): void {
  onConnectRefused({ transport: 'ws', reason });
  const told = closeTable[reason === 'draining' ? 'DRAIN' : 'OVERLOADED'];
  webSocket.close(told.code, told.reason);
}

function refuseUpgrade(socket: Socket, { status, message }: UpgradeRefusal): void {
  const head = [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    `Content-Length: ${Buffer.byteLength(message)}`,
  ];
  socket.on('error', () => {}); // a peer that is gone needs no refusal
  socket.write(`${head.join('\r\n')}\r\n\r\n${message}`);
  socket.destroySoon(); // a peer that leaves its end open must not keep ours
}

function listen(socket: ConnectedSocket): void {
  socket.on('message', onMessage);
  socket.on('ping', onPing);
  socket.on('pong', onPong);
  socket.on('close', onClose);
  // `ws` has closed the connection with the code of the fault by then.
  socket.on('error', ignore);
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  if (Buffer.isBuffer(data)) connectionOf(this)?.onMessage(data, isBinary);
}

function onPing(this: WebSocket, data: Buffer): void {
  connectionOf(this)?.onPing(data);
}

function onPong(this: WebSocket): void {
  connectionOf(this)?.onPong();
}

function onClose(this: WebSocket): void {
  connectionOf(this)?.onClose();
}

function ignore(): void {}

function connectionOf(socket: WebSocket): WsConnection | undefined {
  return socket instanceof ConnectedSocket ? socket.connection : undefined;
}
