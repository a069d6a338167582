import { inspect } from 'node:util';
import type { z } from 'zod';

/** What a wrong type is told as: in the words of the other messages. */
export function wrongType(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  return issue.expected === 'object' ? 'expected an object of options' : `expected ${issue.expected}`;
}

/** One line for each fault of an issue: where it is, what was expected, what came. */
export function faultLines(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(
      (key) => `${[...issue.path, key].join('.')}: unknown option; see the README for those that there are`,
    );
  const message = issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message;
  return [`${at || 'weir.config.ts'}: ${message}${gotten(issue)}`];
}

/** What came, on one line; a secret stays one even when it is faulty. */
function gotten({ input, path }: z.core.$ZodIssue): string {
  if (input === undefined || path[0] === 'cursors' || path[0] === 'redis') return '';
  return `, got ${inspect(input, { depth: 0, maxStringLength: 60, breakLength: Number.POSITIVE_INFINITY })}`;
}
