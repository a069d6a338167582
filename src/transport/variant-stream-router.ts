import { errorTable } from '../errors.ts';
import type { StreamListener, StreamReply, StreamRouter } from './stream-router.ts';

/** Of an instance that was asked for a variant which it does not serve, as one of another release. */
const notServed: StreamReply = {
  status: errorTable.NOT_FOUND.httpStatus,
  errors: [{ message: errorTable.NOT_FOUND.message, extensions: { code: 'NOT_FOUND' } }],
};

/** Makes of one router one for each variant: their streams have names of their own, and each hears of its own alone. */
export function shareStreamRouter(router: StreamRouter): (variant: string) => StreamRouter {
  const listeners = new Map<string, StreamListener>();
  router.on(async (name, message) => {
    // A variant has no colon in its name.
    const [variant = '', streamId = ''] = name.split(':', 2);
    return listeners.get(variant)?.(streamId, message) ?? notServed;
  });
  return (variant) => {
    const nameOf = (streamId: string) => `${variant}:${streamId}`;
    return {
      claim: (streamId) => router.claim(nameOf(streamId)),
      release: (streamId) => router.release(nameOf(streamId)),
      forward: (streamId, message) => router.forward(nameOf(streamId), message),
      on: (listener) => {
        listeners.set(variant, listener);
        return () => listeners.delete(variant);
      },
    };
  };
}
