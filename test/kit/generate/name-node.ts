import { Kind, type NameNode } from 'graphql';

/** The AST of a name. */
export function nameNode(value: string): NameNode {
  return { kind: Kind.NAME, value };
}
