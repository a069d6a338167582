import { WeirError } from '../src/index.ts';

/** Refuses a part of a field's input, to which `path` leads from the arguments. */
export function invalidInput(path: readonly (string | number)[], description: string): WeirError {
  return new WeirError('BAD_USER_INPUT', {
    message: `Argument "${path.join('.')}": ${description}`,
    extensions: { fieldViolations: [{ path, description }] },
  });
}

/**
 * A text that may be left out, which is '' upstream. Throws for one that is empty: to the upstream it would not be there, and
 * whoever sent it would wait in vain for what it does.
 */
export function optionalText(text: string | null | undefined, path: readonly string[]): string {
  if (text === '') throw invalidInput(path, 'expected some text, or that it is left out, got "".');
  return text ?? '';
}
