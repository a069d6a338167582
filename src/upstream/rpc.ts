import { type ChannelInterface, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import type { MethodDefinition } from './method-definition.ts';

/** Takes what comes of an {@link Rpc}. */
export interface RpcListener<Res> {
  /** A message that was asked for. */
  message(message: Res): void;
  /** The end, once; nothing comes after it. */
  ended(end: StatusObject): void;
}

/** Where and how an {@link Rpc} is made. */
export interface RpcPlace {
  readonly channel: ChannelInterface;
  readonly metadata: Metadata;
  /** Milliseconds since 1970: grpc-js reads the wall clock. */
  readonly deadline: number;
}

/**
 * One RPC on a grpc-js channel, below `Client`: that puts an event emitter or a Node stream, interceptors and the stack
 * of its caller around each call, and Weir uses none of them. Statuses that Client makes up are made up here in the same
 * words. A class, because one is made per call: it is the channel's listener itself.
 */
export class Rpc<Req, Res> {
  /** The response headers, when they have come. */
  headers: Metadata | undefined;
  readonly #call: ReturnType<ChannelInterface['createCall']>;
  readonly #method: MethodDefinition<Req, Res>;
  readonly #listener: RpcListener<Res>;
  #fault: StatusObject | undefined;

  /** Begins it; messages come as they are asked for. */
  constructor(place: RpcPlace, method: MethodDefinition<Req, Res>, listener: RpcListener<Res>) {
    this.#method = method;
    this.#listener = listener;
    this.#call = place.channel.createCall(method.path, place.deadline, null, null, null);
    this.#call.start(place.metadata, this);
  }

  /** Asks for one message more. */
  read(): void {
    this.#call.startRead();
  }

  /** Sends a message; `taken` runs when the next one may be sent, never when the RPC has ended by then. */
  send(message: Req, taken?: () => void): void {
    let bytes: Buffer;
    try {
      bytes = this.#method.requestSerialize(message);
    } catch (thrown) {
      this.#call.cancelWithStatus(
        status.INTERNAL,
        `Request message serialization failure: ${messageOf(thrown)}`,
      );
      return;
    }
    this.#call.sendMessageWithContext(taken ? { callback: taken } : {}, bytes);
  }

  /** Says that there are no more messages to send. */
  halfClose(): void {
    this.#call.halfClose();
  }

  cancel(): void {
    this.#call.cancelWithStatus(status.CANCELLED, 'Cancelled on client');
  }

  /** The address of the peer, or the channel's target as long as it was given to no connection. */
  getPeer(): string {
    return this.#call.getPeer();
  }

  /** For the channel. */
  onReceiveMetadata(headers: Metadata): void {
    this.headers = headers;
  }

  /** For the channel. */
  onReceiveMessage(bytes: Buffer): void {
    let message: Res;
    try {
      message = this.#method.responseDeserialize(bytes);
    } catch (thrown) {
      const details = `Response message parsing error: ${messageOf(thrown)}`;
      this.#fault = { code: status.INTERNAL, details, metadata: new Metadata() };
      this.#call.cancelWithStatus(status.INTERNAL, details);
      return;
    }
    this.#listener.message(message);
  }

  /** For the channel. */
  onReceiveStatus(end: StatusObject): void {
    this.#listener.ended(this.#fault ?? end);
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
