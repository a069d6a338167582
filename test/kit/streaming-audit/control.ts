import type { ServerResponse } from 'node:http';
import type { AuditId } from './run-audits.ts';

/** What a control emits: the documents that it knows. */
export const controlDocuments = {
  subscription: 'subscription { log }',
  publish: 'mutation { publish }',
  /** Its event fills a socket within few. */
  publishLarge: 'mutation { publishLarge }',
} as const;

/** The time between two signs of life, in milliseconds. */
export const controlBeatMs = 60;
/** The time that `connection_init` has, in milliseconds: enough on a busy machine. */
export const controlInitMs = 1000;

/** Executes the four documents: the result, or a subscription. */
export function resultOf(query: unknown): Readonly<Record<string, unknown>> | 'subscription' | 'mutation' {
  if (query === controlDocuments.subscription) return 'subscription';
  if (query === controlDocuments.publish || query === controlDocuments.publishLarge) return 'mutation';
  if (query === '{ __typename }') return { data: { __typename: 'Query' } };
  return { errors: [{ message: 'It is not valid.' }] };
}

/** Everybody who is told of an event; resolves when it is written. */
export type Listener = (result: object) => Promise<void> | void;

/** What both halves of a control share. */
export interface Control {
  /** Whether it has this fault. */
  readonly is: (fault: AuditId) => boolean;
  readonly listeners: Set<Listener>;
  /** Whether there is room for one more client; a leaking one never lets go. */
  readonly hasRoom: (fault: AuditId) => boolean;
}

/** Tells everybody, one after the other: who waits for its reader holds up the rest. */
export async function publish(listeners: ReadonlySet<Listener>, log: string): Promise<void> {
  for (const listener of listeners) {
    const writing = listener({ data: { log } });
    if (writing) await writing;
  }
}

/** Answers in one piece. */
export function answer(response: ServerResponse, status: number, json: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}
