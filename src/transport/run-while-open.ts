import type { ServerResponse } from 'node:http';
import type { Prepared, StreamOutcome } from './stream-operation.ts';

/** Runs an operation that is cancelled when its client goes before there is an outcome. */
export async function runWhileOpen(
  { run, abort }: Prepared & { readonly kind: 'ready' },
  response: ServerResponse,
): Promise<StreamOutcome> {
  response.once('close', abort);
  try {
    return await run();
  } finally {
    response.off('close', abort);
  }
}
