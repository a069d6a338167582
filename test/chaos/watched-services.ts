import type { Metadata, MethodDefinition } from '@grpc/grpc-js';
import type { UpstreamService } from '../../upstreams/services.ts';

/** One RPC as the service saw it; times are those of performance.now(). */
export interface ServedCall {
  /** `UserService/BatchGetUsers`. */
  readonly method: string;
  readonly requestId: string;
  /** The user for whom it was made; null for nobody. */
  readonly subject: string | null;
  readonly startedMs: number;
  /** When the service learnt that nobody waits any more, if it had not answered. */
  cancelledMs: number | undefined;
  /** When the service gave its answer or its failure. */
  answeredMs: number | undefined;
}

/** What this file needs of the four kinds of call. */
interface Call {
  readonly metadata: Metadata;
  on(event: 'cancelled' | 'finish' | 'error', listener: () => void): unknown;
}

type Handler = (call: Call, reply?: (...answer: unknown[]) => void) => void;

/** The same services, each of whose calls is put into `served` when it comes. */
export function watchServices(
  services: readonly UpstreamService[],
  served: ServedCall[],
): readonly UpstreamService[] {
  return services.map(({ definition, implementation }) => {
    const methods = Object.entries(definition).map(([name, method]) => {
      const handle = implementation[name] as unknown as Handler; // as: one shape for the four kinds
      return [name, watchHandler(method, handle, served)] as const;
    });
    return { definition, implementation: Object.fromEntries(methods) as never }; // as: the same names and kinds
  });
}

function watchHandler(
  { path }: MethodDefinition<unknown, unknown>,
  handle: Handler,
  served: ServedCall[],
): Handler {
  const method = path.slice(path.lastIndexOf('.') + 1);
  return (call, reply) => {
    const seen: ServedCall = {
      method,
      requestId: textOf(call.metadata, 'x-request-id') ?? '',
      subject: textOf(call.metadata, 'x-weir-subject'),
      startedMs: performance.now(),
      cancelledMs: undefined,
      answeredMs: undefined,
    };
    served.push(seen);
    const answered = () => {
      seen.answeredMs ??= performance.now();
    };
    // grpc-js says so of every stream that closes, of an answered one too.
    call.on('cancelled', () => {
      if (seen.answeredMs === undefined) seen.cancelledMs ??= performance.now();
    });
    call.on('finish', answered);
    call.on('error', answered);
    handle(
      call,
      reply &&
        ((...answer) => {
          answered();
          reply(...answer);
        }),
    );
  };
}

function textOf(metadata: Metadata, key: string): string | null {
  const [value] = metadata.get(key);
  return value === undefined ? null : String(value);
}

/** Whether the service still works on a call, or waits for somebody who has left. */
export function isOpen({ cancelledMs, answeredMs }: ServedCall): boolean {
  return cancelledMs === undefined && answeredMs === undefined;
}
