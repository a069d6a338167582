import { startNode } from './child.ts';

/** A gateway of weir.config.ts in a process of its own, as the command line starts it. */
export interface GatewayProcess {
  /** Address of the graph. */
  readonly url: string;
  /** What it has logged, as lines of JSON. */
  readonly logged: () => readonly string[];
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
  // Of its own variables a gateway refuses those that it does not know, as those of tests.
  const unset = Object.keys(process.env).filter((name) => name.startsWith('WEIR_'));
  const cleared = Object.fromEntries(unset.map((name) => [name, undefined]));
  const variables = { ...cleared, ...environment, WEIR_LOG_LEVEL: 'warn' };
  const child = startNode(['src/cli/main.ts', 'start'], variables);
  const ready = /gateway ready on (\S+)/;
  const [, url = ''] = ready.exec(await child.printed(ready)) ?? [];
  const kill = async () => {
    child.process.kill('SIGKILL');
    await child.ended;
  };
  return {
    url,
    logged: () =>
      child
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{')),
    kill,
    pause: () => void child.process.kill('SIGSTOP'),
    resume: () => void child.process.kill('SIGCONT'),
  };
}
