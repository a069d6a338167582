import type { ServerResponse } from 'node:http';
import type { Principal } from '../identity/principal.ts';
import type { EndReason } from '../realtime/sink.ts';
import { type ChannelForm, type ChannelOwner, ResponseChannel } from './response-channel.ts';
import { singleFrame } from './sse-single-frames.ts';
import { type SingleOperationOwner, SseSingleOperation } from './sse-single-operation.ts';
import { endTable, type PoliteEnd } from './stream-end.ts';
import type { Prepared, StreamRequest } from './stream-operation.ts';
import type { StreamParts } from './stream-parts.ts';
import { gapPayload } from './stream-payload.ts';

/** How an operation was taken. */
export type Taken =
  | 'taken'
  | 'duplicate'
  | 'tooMany'
  | 'leaving'
  | Extract<Prepared, { readonly kind: 'refused' }>;

const form: ChannelForm = {
  contentType: 'text/event-stream; charset=utf-8',
  opening: ':\n\n',
  heartbeat: ':\n\n',
  comesBack: true,
};

/** One event stream that carries many operations: GraphQL over SSE, single connection mode. */
export class SseSingleStream implements ChannelOwner, SingleOperationOwner {
  readonly channel: ResponseChannel;
  readonly #parts: StreamParts;
  readonly #operations = new Map<string, SseSingleOperation>();
  readonly #onGone: () => void;
  /** Why it ends as soon as everything is answered. */
  #leaving: PoliteEnd | undefined;

  constructor(
    parts: StreamParts,
    { response, principal }: { readonly response: ServerResponse; readonly principal: Principal },
    onGone: () => void,
  ) {
    this.#parts = parts;
    this.#onGone = onGone;
    this.channel = new ResponseChannel(parts, { response, principal, form }, this);
  }

  /** Begins an operation; its results come on the stream. The id of one that is refused is free again. */
  begin(name: { readonly id: string; readonly attempt: string }, request: StreamRequest): Taken {
    if (this.#leaving !== undefined) return 'leaving';
    if (this.#operations.has(name.id)) return 'duplicate';
    if (this.#operations.size >= this.#parts.limits.maxOperationsPerConnection) return 'tooMany';
    const prepared = this.#parts.prepare(request);
    if (prepared.kind === 'refused') return prepared;
    const operation = new SseSingleOperation(this, name, prepared.abort);
    this.#operations.set(name.id, operation);
    void prepared.run().then((outcome) => {
      operation.settle(outcome);
      if (this.#leaving !== undefined) this.onStop(this.#leaving, false);
    });
    return 'taken';
  }

  /** Ends an operation that the client wants no more of; with `attempt` only the one which that message began. */
  stop(operationId: string, attempt: string | undefined): void {
    const operation = this.#operations.get(operationId);
    if (attempt === undefined || operation?.attempt === attempt) operation?.stop('client');
  }

  leave(operation: SseSingleOperation, reason: EndReason | undefined): void {
    this.#operations.delete(operation.id);
    if (reason !== undefined) this.#parts.onSubscriptionEnd({ reason, transport: 'sse-single' });
  }

  onStop(reason: EndReason, isGone: boolean): void {
    if (!isGone && (reason === 'drain' || reason === 'rotated')) {
      this.#leaving = reason;
      for (const { isRunning } of this.#operations.values()) if (isRunning) return;
    }
    const isDenied = !isGone && endTable[reason].told === 'error';
    for (const operation of [...this.#operations.values()])
      if (isDenied) operation.deny(reason);
      else operation.stop(reason);
    // Without `complete` for any of them unless it is denied, so that the client comes back with all.
    if (!isGone) this.channel.end(isDenied ? '' : `retry: ${this.channel.retryMs()}\n\n`, reason);
    else if (reason === 'client') this.#onGone();
  }

  gapFrame(operationId: string): Buffer {
    return Buffer.from(singleFrame.next(operationId, gapPayload({ dropped: undefined, reason: 'slow' })));
  }
}
