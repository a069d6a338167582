import type { HandlerDeps } from './handler.ts';
import type { Outbox } from './outbox.ts';
import type { Store } from './store.ts';

/** What every service is made of. */
export interface ServiceDeps extends HandlerDeps {
  readonly store: Store;
  readonly outbox: Outbox;
}
