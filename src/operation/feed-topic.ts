import { metadataFromPrincipal } from '../identity/principal.ts';
import type { Feed } from '../realtime/delivery.ts';
import { createDeadline, unlessAborted } from '../signal.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { audiencePrincipal } from './audience.ts';
import { OperationUpstream } from './operation-upstream.ts';
import type { Subscribed, SubscribeParts } from './subscribed.ts';

const unfed: Feed = { ready: Promise.resolve(), release: () => {} };

/** Feeds a topic from its upstream, as its audience and without a deadline; a topic that clients publish to needs none. */
export function feedTopic(
  { source, topic, principal }: Subscribed,
  requestId: string,
  parts: SubscribeParts,
): Feed {
  const { open, isExpired } = source.options;
  if (!open) return unfed;
  const metadata = metadataFromPrincipal(audiencePrincipal(principal, topic.audience));
  const hold = parts.pump.hold(topic, {
    open: (after, signal) => open(longLived(parts.upstreams, metadata, requestId, signal), after, signal),
    ...(isExpired && { isExpired }),
  });
  const deadline = createDeadline(parts.eventTimeoutMs, parts.clock);
  const ready = unlessAborted(hold.ready, deadline.signal).finally(deadline.cleanup);
  return { ready, release: hold.release };
}

/** The upstreams for calls that last as long as somebody listens. */
function longLived(
  upstreams: Readonly<Record<string, Upstream>>,
  metadata: Readonly<Record<string, string>>,
  requestId: string,
  signal: AbortSignal,
): Readonly<Record<string, OperationUpstream>> {
  const call = { metadata, deadlineMs: Number.POSITIVE_INFINITY, requestId };
  const entries = Object.entries(upstreams).map(
    ([name, upstream]) => [name, new OperationUpstream(upstream, { ...call, signal })] as const,
  );
  return Object.fromEntries(entries);
}
