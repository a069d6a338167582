import type { OperationContext } from './context.ts';

/**
 * Executes an operation, and tells when a resolver or loader has looked at who asks: then the result may be of nobody
 * else, whatever the schema says of it.
 */
export async function watchPrincipal<Result>(
  context: OperationContext,
  onRead: () => void,
  execute: () => Result | PromiseLike<Result>,
): Promise<Result> {
  const { principal } = context;
  const property = { configurable: true, enumerable: true } as const;
  Object.defineProperty(context, 'principal', {
    ...property,
    get: () => {
      onRead();
      return principal;
    },
  });
  try {
    return await execute();
  } finally {
    // What comes behind it, as the record of its end, is no part of the answer.
    Object.defineProperty(context, 'principal', { ...property, value: principal, writable: true });
  }
}
