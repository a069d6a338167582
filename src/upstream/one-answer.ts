import { type StatusObject, status } from '@grpc/grpc-js';
import type { WeirError } from '../errors.ts';
import type { LiveCall } from './live-call.ts';
import type { RpcListener } from './rpc.ts';

/** What becomes of a call that is answered once. */
export interface Outcome<Res> {
  readonly resolve: (answer: Res) => void;
  readonly reject: (error: WeirError) => void;
}

/** The listener of an RPC that is asked for one message, and settles its call when that and its end are there. */
export class OneAnswer<Res> implements RpcListener<Res> {
  readonly #live: LiveCall;
  readonly #outcome: Outcome<Res>;
  #answer: { readonly message: Res } | undefined;

  constructor(live: LiveCall, outcome: Outcome<Res>) {
    this.#live = live;
    this.#outcome = outcome;
  }

  message(message: Res): void {
    this.#answer = { message };
  }

  ended(end: StatusObject): void {
    const { resolve, reject } = this.#outcome;
    const isEmpty = end.code === status.OK && !this.#answer;
    const failure = this.#live.settle(isEmpty ? { ...end, ...noMessage } : end);
    if (failure) reject(failure);
    else if (this.#answer) resolve(this.#answer.message);
  }
}

/** As grpc-js has it. */
const noMessage = { code: status.UNIMPLEMENTED, details: 'No message received' };
