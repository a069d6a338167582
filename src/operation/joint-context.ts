import type { JoinContexts } from '../batch/shared.ts';
import { audiencePrincipal } from './audience.ts';
import { createOperationContext, type OperationContext, type OperationParts } from './context.ts';

/**
 * Contexts of fetches for several operations: as the principal that their audience has in common, in the name of the first,
 * and in time for the one that may wait the longest. Their calls are told to the operation that inherits them.
 */
export function joinContexts(parts: OperationParts): JoinContexts<OperationContext> {
  return (contexts, sharing, signal) => {
    const [first] = contexts;
    if (!first) throw new RangeError('Expected a context to join, got none.');
    const { requestId, traceId, traceparent } = first;
    const context = createOperationContext(parts, {
      requestId,
      trace: { traceId, traceparent },
      timeoutMs: Math.max(...contexts.map(({ deadline }) => deadline.remainingMs())),
      principal: audiencePrincipal(first.principal, sharing),
      signal,
    });
    const end = ({ timeline }: OperationContext) => {
      for (const { atMs: _own, ...call } of context.timeline.calls) timeline.call(call);
      context.end();
    };
    return { context, end };
  };
}
