import { startNode } from './child.ts';

/** A gateway of weir.config.ts in a process of its own, as the command line starts it. */
export interface GatewayProcess {
  /** Address of the graph. */
  readonly url: string;
  /** Ends it at once (SIGKILL), as a machine does that loses its power; idempotent. */
  readonly kill: () => Promise<void>;
  /** Suspends it (SIGSTOP) until {@link resume}: its connections stay, and nothing comes. */
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Starts one with these environment variables, and resolves when it is ready. */
export async function startGatewayProcess(
  environment: Readonly<Record<string, string>>,
): Promise<GatewayProcess> {
  const variables = { ...environment, WEIR_LOG_LEVEL: 'error' };
  const child = startNode(['src/cli/main.ts', 'start'], variables);
  const ready = /gateway ready on (\S+)/;
  const [, url = ''] = ready.exec(await child.printed(ready)) ?? [];
  const kill = async () => {
    child.process.kill('SIGKILL');
    await child.ended;
  };
  return {
    url,
    kill,
    pause: () => void child.process.kill('SIGSTOP'),
    resume: () => void child.process.kill('SIGCONT'),
  };
}
