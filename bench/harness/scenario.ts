import type { NumberedTarget } from './numbered-server.ts';

/** What the command line says. */
export interface RunOptions {
  /** Measured time in all, about. */
  readonly seconds: number;
  /** Other checkouts of this repository to measure beside this one. */
  readonly against: readonly string[];
  /** Folder for CPU profiles of the servers; absent: none are taken, for they cost time. */
  readonly profileFolder: string | undefined;
  /** A server that is there already, for scenarios that take one. */
  readonly target: NumberedTarget | undefined;
  readonly signal: AbortSignal;
  /** Tells how far it is. */
  readonly progress: (line: string) => void;
}

/** One row of figures under the head that main.ts writes; numbers, and intervals of three. */
export type Figures = { readonly name: string } & Readonly<
  Record<string, string | number | readonly number[]>
>;

/** What a file of bench/ exports under its own name. */
export interface Scenario {
  /** One line. */
  readonly description: string;
  /** Where the command line says nothing. Default 60. */
  readonly defaultSeconds?: number;
  /** Whether it runs against a server that is there already, too. */
  readonly takesTarget?: true;
  readonly run: (options: RunOptions) => Promise<readonly Figures[]>;
}
