#!/usr/bin/env node
import { processEnvironment } from '../config/config.ts';
import { runCommand } from './commands.ts';

process.exitCode = await runCommand(process.argv.slice(2), {
  environment: processEnvironment(),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  stopped: stopSignal,
});

/** The first signal asks to stop; the same one again ends the process at once. */
function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      resolve();
      process.once(signal, () => process.exit(1));
    });
  }
  return promise;
}
