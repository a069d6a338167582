import type { FragmentDefinitionNode, GraphQLCompositeType, GraphQLSchema } from 'graphql';
import type { Draw } from './draw.ts';
import type { InputEncoder } from './encode-input.ts';
import type { MergeScope } from './merge-scope.ts';
import type { PathStep } from './page-source.ts';
import type { Settings } from './settings.ts';

/** One document in the making. */
export interface Draft {
  readonly schema: GraphQLSchema;
  readonly draw: Draw;
  readonly settings: Settings;
  readonly encoder: InputEncoder;
  /** Those that are complete, and may be spread again. */
  readonly fragments: CompleteFragment[];
  /** Objects that the operation may bring, so far and at most. */
  objects: number;
  /** Names that were made up so far. */
  names: number;
}

/** A named fragment that may be spread wherever it fits. */
export interface CompleteFragment {
  readonly definition: FragmentDefinitionNode;
  readonly type: GraphQLCompositeType;
  readonly scope: MergeScope;
  /** Braces within it. */
  readonly depth: number;
  /** Objects that it adds to the answer for each that it is spread on. */
  readonly objectsEach: number;
}

/** Where selections are made. */
export interface Site {
  readonly type: GraphQLCompositeType;
  /** Braces around it. */
  readonly depth: number;
  /** How many such objects the answer may have. */
  readonly objects: number;
  /** Rows of the page, directly below a connection. */
  readonly pageRows: number | undefined;
  readonly path: readonly PathStep[];
  readonly scope: MergeScope;
}

/** Whether as many more objects may be asked for. */
export function hasRoomFor({ objects, settings }: Draft, more: number): boolean {
  return objects + more <= settings.maxObjects;
}

/** A name that is nowhere else in the document. */
export function freshName(draft: Draft, prefix: string): string {
  draft.names += 1;
  return `${prefix}${draft.names}`;
}
