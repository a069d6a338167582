// Over 300 lines: one connection is one class, whose parts share all of its state.
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { WeirError } from '../errors.ts';
import type { Credentials } from '../identity/identify.ts';
import type { Principal } from '../identity/principal.ts';
import type { QueueItem } from '../realtime/queue.ts';
import type { EndReason } from '../realtime/sink.ts';
import { type CloseReason, closeTable } from './close-codes.ts';
import { authorizationFrom, goodForMs, isSamePrincipal } from './connection-identity.ts';
import type { Timed } from './connection-wheel.ts';
import type { LongConnection } from './connections.ts';
import { Outlet, type OutletOwner } from './outlet.ts';
import { rotationTime } from './rotation.ts';
import { endTable, type PoliteEnd } from './stream-end.ts';
import type { StreamParameters } from './stream-parameters.ts';
import type { StreamParts } from './stream-parts.ts';
import { gapPayload } from './stream-payload.ts';
import { peerName } from './tcp-table.ts';
import { pingFrame, pongFrame, textFrame } from './ws-frame.ts';
import { type ClientMessage, messageText, parseMessage } from './ws-message.ts';
import { WsOperation, type WsOperationOwner } from './ws-operation.ts';
import { MessageRate, type RateCount } from './ws-rate.ts';

/** What is kept of the request that opened a connection; its token only until the principal is known. */
export interface WsOpening extends Credentials {
  readonly requestId: string;
  readonly traceparent: string | undefined;
}

/** The sockets of a connection: one for writing frames, that of `ws` for reading them and for the closing handshake. */
export interface WsSockets {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
}

/** Opened, and waiting for `connection_init`; then for the verdict on its token; then serving; then closed. */
type Phase = 'opened' | 'initialising' | 'ready' | 'closed';

type Payload = Readonly<Record<string, unknown>> | undefined;

/** Characters of the request id of a connection that are kept in those of its operations. */
const requestIdKept = 100;

const aMessage: RateCount = { messages: 1, pings: 0 };
const aPing: RateCount = { messages: 1, pings: 1 };
/** Of the protocol, whose message has been counted. */
const onlyPing: RateCount = { messages: 0, pings: 1 };

/**
 * One WebSocket of `graphql-transport-ws`. A class with its methods on the prototype, one entry in the wheel and no
 * closure of its own: thousands of these are idle most of the time, and what each holds is what a connection costs.
 */
export class WsConnection implements Timed, LongConnection, OutletOwner, WsOperationOwner {
  slot = -1;
  readonly #parts: StreamParts;
  readonly #sockets: WsSockets;
  readonly #outlet: Outlet;
  readonly #rate = new MessageRate();
  #opening: WsOpening;
  #phase: Phase = 'opened';
  #principal: Principal | undefined;
  #operations: Map<string, WsOperation> | undefined;
  #begun = 0;
  #isPinged = false;
  #isAwaitingPong = false;
  /** When to ping next, or when the last ping must have been answered. */
  #dueMs = 0;
  /** When it has been here for long enough. */
  #rotateMs: number;
  /** Why it is sent away as soon as everything is answered. */
  #leaving: PoliteEnd | undefined;

  constructor(parts: StreamParts, sockets: WsSockets, opening: WsOpening) {
    this.#parts = parts;
    this.#sockets = sockets;
    this.#outlet = new Outlet(sockets.socket, this, parts);
    this.#opening = opening;
    this.#rotateMs = rotationTime(parts);
    parts.connections.open.add(this);
    parts.wheel.schedule(this, parts.limits.initTimeoutMs);
  }

  // What comes in.

  onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#phase === 'closed') return;
    const { limits, json } = this.#parts;
    this.#readWhileWritable();
    if (this.#phase !== 'ready' && data.length > limits.frameMaxBytesBeforeAuth) this.close('TOO_LARGE');
    else if (this.#exceeds(aMessage)) this.close('TOO_MANY');
    else {
      const message = isBinary ? undefined : parseMessage(data.toString('utf8'), json);
      if (message === undefined) this.close('MALFORMED');
      else this.#take(message);
    }
  }

  onPing(data: Buffer): void {
    if (this.#exceeds(aPing)) this.close('TOO_MANY');
    else if (this.#phase !== 'closed') this.#outlet.writeNow(pongFrame(data));
  }

  onPong(): void {
    this.#isAwaitingPong = false;
    if (this.#exceeds(aMessage)) this.close('TOO_MANY');
  }

  /** The socket is gone, whoever ended it. */
  onClose(): void {
    this.#end('client');
    const { connections } = this.#parts;
    connections.open.delete(this);
    if (this.#principal) connections.release(this.#principal);
    this.#principal = undefined;
    this.#outlet.close();
  }

  #take(message: ClientMessage): void {
    switch (message.type) {
      case 'connection_init':
        if (this.#phase === 'opened') this.#initialise(message.payload);
        else this.close('SECOND_INIT');
        break;
      case 'ping':
        this.#answerPing(message.payload);
        break;
      case 'subscribe':
        this.#subscribe(message.id, message.parameters);
        break;
      case 'complete':
        this.#operations?.get(message.id)?.stop('client');
        break;
      case 'pong':
        break;
      default:
        message satisfies never;
    }
  }

  // Who is there.

  #initialise(payload: Payload): void {
    this.#phase = 'initialising';
    this.#parts.wheel.schedule(this, this.#parts.timeoutMs);
    this.#identify(payload, this.#opening.authorization, (principal) => this.#acknowledge(principal));
  }

  /** Tells `take` of the principal, or closes. */
  #identify(
    payload: Payload,
    header: WsOpening['authorization'],
    take: (principal: Principal) => void,
  ): void {
    const refuse = (thrown: unknown) => this.close(closeReasonFrom(thrown));
    try {
      const authorization = authorizationFrom(payload, header);
      const identified = this.#parts.identify({ authorization, address: this.#opening.address });
      if (identified instanceof Promise)
        identified.then((principal) => this.#phase !== 'closed' && take(principal), refuse);
      else take(identified);
    } catch (thrown) {
      refuse(thrown);
    }
  }

  #acknowledge(principal: Principal): void {
    if (!this.#parts.connections.claim(principal)) {
      this.#parts.onConnectRefused({ transport: 'ws', reason: 'principal' });
      this.close('OVERLOADED');
      return;
    }
    this.#principal = principal;
    this.#phase = 'ready';
    // The token has done its work.
    this.#opening = { ...this.#opening, authorization: undefined };
    this.#dueMs = this.#parts.clock.nowMs() + this.#parts.limits.heartbeatMs;
    this.send(ackMessage);
    this.#scheduleNext();
  }

  /** A `ping` with a token brings a newer one for the same principal, so that the connection outlives the first. */
  #answerPing(payload: Payload): void {
    const bringsToken = payload?.['authorization'] !== undefined || payload?.['Authorization'] !== undefined;
    if (this.#exceeds(onlyPing)) this.close('TOO_MANY');
    else if (this.#phase === 'ready' && bringsToken)
      this.#identify(payload, undefined, (principal) => this.#refresh(principal));
    else this.send(pongMessage);
  }

  #refresh(principal: Principal): void {
    if (this.#principal && isSamePrincipal(this.#principal, principal)) {
      this.#principal = principal;
      this.send(pongMessage);
      this.#scheduleNext();
    } else this.close('RIGHTS_CHANGED', 'revoked');
  }

  // Operations.

  #subscribe(id: string, parameters: StreamParameters): void {
    this.#operations ??= new Map();
    if (this.#phase !== 'ready' || this.#principal === undefined) this.close('UNAUTHORIZED');
    else if (this.#parts.connections.isDraining) this.#sendAway('drain');
    else if (this.#leaving !== undefined)
      return; // the client asks again where it comes to
    else if (this.#isExpired()) this.close('EXPIRED', 'expired');
    else if (this.#operations.has(id)) this.close('DUPLICATE_ID');
    else if (this.#operations.size >= this.#parts.limits.maxOperationsPerConnection) this.close('TOO_MANY');
    else {
      const operation = new WsOperation(this, id);
      this.#operations.set(id, operation);
      void this.#run(operation, parameters, this.#principal);
    }
  }

  async #run(operation: WsOperation, parameters: StreamParameters, principal: Principal): Promise<void> {
    const { prepare, clock, timeoutMs } = this.#parts;
    this.#begun += 1;
    const prepared = prepare({
      requestId: `${this.#opening.requestId.slice(0, requestIdKept)}.${this.#begun}`,
      principal,
      traceparent: this.#opening.traceparent,
      deadlineMs: clock.nowMs() + timeoutMs,
      method: 'POST',
      parameters,
    });
    if (prepared.kind === 'refused') operation.settle(prepared);
    else {
      operation.begin(prepared.abort);
      operation.settle(await prepared.run());
    }
    if (this.#leaving !== undefined) this.#sendAway(this.#leaving);
  }

  leave(operation: WsOperation, reason: EndReason | undefined): void {
    this.#operations?.delete(operation.id);
    if (reason !== undefined) this.#parts.onSubscriptionEnd({ reason, transport: 'ws' });
  }

  // Time.

  /** The next thing that was to happen by now; see {@link Timed}. */
  onTime(): void {
    if (this.#phase === 'opened') this.close('INIT_TIMEOUT');
    else if (this.#phase === 'initialising') this.close('OVERLOADED');
    else if (this.#isExpired()) this.close('EXPIRED', 'expired');
    else if (this.#parts.clock.nowMs() >= this.#rotateMs) this.#rotate();
    else if (this.#parts.clock.nowMs() < this.#dueMs) this.#scheduleNext();
    else if (this.#isAwaitingPong) this.#giveUp();
    else this.#beat();
  }

  /** Pings, or after an answered ping waits for the next. */
  #beat(): void {
    const { clock, limits } = this.#parts;
    this.#isPinged = !this.#isPinged;
    this.#isAwaitingPong = this.#isPinged;
    if (this.#isPinged) this.#outlet.writeNow(pingFrame);
    const waitMs = this.#isPinged ? limits.pongTimeoutMs : limits.heartbeatMs - limits.pongTimeoutMs;
    this.#dueMs = clock.nowMs() + waitMs;
    this.#scheduleNext();
  }

  #rotate(): void {
    this.#rotateMs = Number.POSITIVE_INFINITY;
    this.#sendAway('rotated');
    if (this.#phase === 'ready') this.#scheduleNext();
  }

  /** Nobody answers: gone, or so slow that our pings do not get through what waits before them. */
  #giveUp(): void {
    this.#end(this.#outlet.bufferedBytes > this.#sockets.socket.writableHighWaterMark ? 'slow' : 'client');
    this.destroy();
  }

  #scheduleNext(): void {
    const { clock, wheel } = this.#parts;
    const goodMs = this.#principal ? goodForMs(this.#principal, clock.wallMs()) : Number.POSITIVE_INFINITY;
    const nextMs = Math.min(this.#dueMs, this.#rotateMs) - clock.nowMs();
    wheel.schedule(this, Math.max(0, Math.min(nextMs, goodMs)));
  }

  #isExpired(): boolean {
    return this.#principal !== undefined && goodForMs(this.#principal, this.#parts.clock.wallMs()) <= 0;
  }

  #exceeds(count: RateCount): boolean {
    return this.#rate.exceeds(this.#parts.limits, this.#parts.clock.nowMs(), count);
  }

  // What goes out.

  send(text: string): void {
    const frame = textFrame(text);
    this.push({ frame, bytes: frame.length, stream: connectionStream, policy: 'disconnect' });
  }

  /** Sends a frame by its policy; a client that reads too slowly for that one is sent away, to come back and resume. */
  push(item: QueueItem<Buffer>): void {
    if (this.#phase === 'closed') return;
    if (this.#outlet.push(item) === 'overflow') this.close('SLOW', 'slow');
  }

  get peer(): string {
    return peerName(this.#sockets.socket);
  }

  get outlet(): Outlet {
    return this.#outlet;
  }

  gapFrame(id: string): Buffer {
    return textFrame(messageText.next(id, gapPayload({ dropped: undefined, reason: 'slow' })));
  }

  /** Who does not read what was answered is not read from either, so that answers cannot pile up. */
  #readWhileWritable(): void {
    const { webSocket } = this.#sockets;
    if (webSocket.isPaused || this.#outlet.bufferedBytes <= this.#parts.limits.bufferMaxBytes / 2) return;
    webSocket.pause();
    this.#outlet.onDrain(() => webSocket.resume());
  }

  // The end.

  /** Ends every operation for `reason`, and the connection with a close frame. Idempotent. */
  close(name: CloseReason, reason: EndReason = 'client'): void {
    if (this.#phase === 'closed') return;
    this.#end(reason);
    const { code, reason: text } = closeTable[name];
    this.#sockets.webSocket.close(code, text);
  }

  endIfRevoked(): boolean {
    const principal = this.#principal;
    if (this.#phase !== 'ready' || !principal || !this.#parts.isRevoked(principal)) return false;
    this.close('REVOKED', 'revoked');
    return true;
  }

  drain(): void {
    this.#sendAway('drain');
  }

  /** Closes, retryably, once everything that was asked is answered. */
  #sendAway(reason: PoliteEnd): void {
    this.#leaving = reason;
    for (const { isRunning } of this.#operations?.values() ?? []) if (isRunning) return;
    this.#outlet.flush();
    this.close(endTable[reason].close, reason);
  }

  destroy(): void {
    this.#sockets.webSocket.terminate();
  }

  #end(reason: EndReason): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#parts.wheel.cancel(this);
    for (const operation of this.#operations?.values() ?? []) operation.stop(reason);
    this.#outlet.close();
  }
}

/** Messages that belong to no subscription, in the queue. */
const connectionStream = '';

/** What this server can do beyond the protocol; clients that know nothing of it pass it over. */
const ackMessage = JSON.stringify({
  type: 'connection_ack',
  payload: {
    live: 'ping',
    cursor: 'extensions.cursor',
    resume: 'extensions.resume',
    cost: 'extensions.cost',
    refresh: 'ping',
  },
});
const pongMessage = '{"type":"pong"}';

/** Keys that cannot be had and a token that has just expired are worth another try; other refusals are not. */
function closeReasonFrom(thrown: unknown): CloseReason {
  const { code, extensions } = WeirError.from(thrown);
  if (code !== 'UNAUTHENTICATED') return 'OVERLOADED';
  return extensions['reason'] === 'EXPIRED' ? 'EXPIRED' : 'UNAUTHORIZED';
}
