import type { UpstreamState } from '../upstream/upstream.ts';

/** Whether a load balancer should send requests here, and what is not as it should be, also while it should. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** What readiness is made of. */
export interface ReadinessFacts {
  /** Whether the gateway has begun to stop. */
  readonly draining: boolean;
  readonly upstreams: Readonly<Record<string, Pick<UpstreamState, 'connectivity'>>>;
}

const brokenStates: ReadonlySet<UpstreamState['connectivity']> = new Set(['failing', 'closed'] as const);

/**
 * Ready unless it drains or every upstream is broken. One broken upstream is only told of: the rest of the graph still
 * answers, its fields fail with their code, and as all instances share that upstream, all of them would leave the load
 * balancer at once and take the healthy fields with them. With every upstream broken there is nothing left to lose, and
 * an instance that alone is cut off hands its requests to the others. An upstream that nobody has called yet is idle,
 * not broken; one that failed connects anew by itself, so readiness returns without a request.
 */
export function readinessFrom({ draining, upstreams }: ReadinessFacts): Readiness {
  const states = Object.entries(upstreams);
  const broken = states.filter(([, { connectivity }]) => brokenStates.has(connectivity));
  const isCutOff = states.length > 0 && broken.length === states.length;
  return {
    ready: !draining && !isCutOff,
    reasons: [
      ...(draining ? ['draining'] : []),
      ...broken.map(([name, { connectivity }]) => `upstream "${name}" is ${connectivity}`),
    ],
  };
}
