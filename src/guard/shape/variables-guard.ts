import type { ShapeLimitName, ShapeLimits } from './limits.ts';

/** Where the variables of a request stand in it: one level below its root. */
const variablesDepth = 2;

/**
 * The first bound that the variables of an operation go beyond, declared or not: how deep they nest, how long their
 * lists are, how many members there are, their bytes. Without recursion, so that what nests too deep costs no stack.
 */
export function excessOfVariables(variables: unknown, limits: ShapeLimits): ShapeLimitName | undefined {
  return excessOfValues(variables, limits) ?? excessOfBytes(variables, limits);
}

function excessOfValues(variables: unknown, limits: ShapeLimits): ShapeLimitName | undefined {
  let level = [variables].filter(isNested);
  let count = 0;
  for (let depth = variablesDepth; level.length > 0; depth += 1) {
    if (depth > limits.jsonMaxDepth) return 'jsonMaxDepth';
    const next: object[] = [];
    for (const value of level) {
      if (Array.isArray(value) && value.length > limits.maxListLength) return 'maxListLength';
      const members = Object.values(value);
      count += Array.isArray(value) ? 1 : 1 + members.length;
      if (count > limits.jsonMaxMembers) return 'jsonMaxMembers';
      for (const member of members) if (isNested(member)) next.push(member);
    }
    level = next;
  }
  return undefined;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function excessOfBytes(variables: unknown, limits: ShapeLimits): ShapeLimitName | undefined {
  if (variables === undefined || variables === null) return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(variables));
  return bytes > limits.variablesMaxBytes ? 'variablesMaxBytes' : undefined;
}
