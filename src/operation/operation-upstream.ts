import type { WeirError } from '../errors.ts';
import type { CallOptions, Messages, MethodDefinition, Upstream } from '../upstream/upstream.ts';

/**
 * An upstream as one operation sees it: every call carries the operation's deadline, signal and request id.
 * A class, because each operation makes one per upstream and the methods should not be made again with it.
 */
export class OperationUpstream {
  readonly #upstream: Upstream;
  #call: CallOptions;
  #refusal: WeirError | undefined;
  #isLabelled = false;

  constructor(upstream: Upstream, call: CallOptions) {
    this.#upstream = upstream;
    this.#call = call;
  }

  /** From now on every call fails with this, before it is made. */
  refuse(refusal: WeirError): void {
    this.#refusal = refusal;
  }

  /** From now on every call carries these as well. */
  label(metadata: Readonly<Record<string, string>>): void {
    this.#isLabelled = true;
    this.#call = { ...this.#call, metadata: { ...this.#call.metadata, ...metadata } };
  }

  /** Whether its calls are those of any operation of the same principal: neither refused nor labelled. */
  get isCommon(): boolean {
    return !this.#refusal && !this.#isLabelled;
  }

  /** One request, one response; rejects with a WeirError. */
  unary<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<Response> {
    if (this.#refusal) return Promise.reject(this.#refusal);
    return this.#upstream.unary(method, request, this.#call);
  }

  /** One request, many responses; nothing is read while nobody pulls, and leaving the loop cancels the call. */
  serverStream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): Messages<Response> {
    this.#assertAllowed();
    return this.#upstream.serverStream(method, request, this.#call);
  }

  /** Many requests, one response; requests are pulled only as fast as the upstream takes them. */
  clientStream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    requests: AsyncIterable<Request> | Iterable<Request>,
  ): Promise<Response> {
    if (this.#refusal) return Promise.reject(this.#refusal);
    return this.#upstream.clientStream(method, requests, this.#call);
  }

  /** Many requests, many responses, each at its own pace. */
  duplex<Request, Response>(
    method: MethodDefinition<Request, Response>,
    requests: AsyncIterable<Request> | Iterable<Request>,
  ): Messages<Response> {
    this.#assertAllowed();
    return this.#upstream.duplex(method, requests, this.#call);
  }

  #assertAllowed(): void {
    if (this.#refusal) throw this.#refusal;
  }
}
