/** Takes what a {@link Load} comes to, when its batch is there; must not throw. */
export interface LoadListener<Row> {
  fulfilled(row: Row): void;
  rejected(error: Error): void;
}

type State<Row> =
  | { readonly kind: 'pending' }
  | { readonly kind: 'fulfilled'; readonly row: Row }
  | { readonly kind: 'rejected'; readonly error: Error };

const pending: State<never> = { kind: 'pending' };

/**
 * A row that is on its way. It is a promise for whoever takes it as one. The executor waits for most of them and listens
 * instead: for a page of rows, the promises, their functions and their turns cost more than fetching the rows did.
 */
export class Load<Row> implements Promise<Row>, LoadListener<Row> {
  readonly [Symbol.toStringTag] = 'Load';
  #state: State<Row> = pending;
  /** Mostly one: no list for it. */
  #listener: LoadListener<Row> | undefined;
  #others: LoadListener<Row>[] | undefined;
  #promise: Promise<Row> | undefined;

  /** Tells `listener` once: with the batch, or in a later turn when that is there already, and never at once. */
  listen(listener: LoadListener<Row>): void {
    if (this.#state.kind !== 'pending') queueMicrotask(() => this.#tell(listener));
    else if (this.#listener === undefined) this.#listener = listener;
    else {
      this.#others ??= [];
      this.#others.push(listener);
    }
  }

  /** To be called by its batch, once. */
  fulfilled(row: Row): void {
    this.#settle({ kind: 'fulfilled', row });
  }

  /** To be called by its batch, once. */
  rejected(error: Error): void {
    this.#settle({ kind: 'rejected', error });
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  then<A = Row, B = never>(
    onFulfilled?: ((row: Row) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#asPromise().then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Row | B> {
    return this.#asPromise().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Row> {
    return this.#asPromise().finally(onFinally);
  }

  #asPromise(): Promise<Row> {
    this.#promise ??= new Promise((fulfilled, rejected) => this.listen({ fulfilled, rejected }));
    return this.#promise;
  }

  #settle(state: State<Row>): void {
    this.#state = state;
    if (this.#listener) this.#tell(this.#listener);
    for (const listener of this.#others ?? []) this.#tell(listener);
    this.#listener = undefined;
    this.#others = undefined;
  }

  #tell(listener: LoadListener<Row>): void {
    if (this.#state.kind === 'fulfilled') listener.fulfilled(this.#state.row);
    else if (this.#state.kind === 'rejected') listener.rejected(this.#state.error);
  }
}
