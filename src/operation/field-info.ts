import type { GraphQLError, GraphQLResolveInfo, ValidatedExecutionArgs } from 'graphql';
import type { FieldPlan, Plan, Selection } from './plan.ts';
import { type Path, pathOf, type Slot } from './slot.ts';

/** One execution of a plan. */
export interface Run {
  readonly plan: Plan;
  readonly args: ValidatedExecutionArgs;
  /** Whether fields without a resolver are read as graphql-js does by default. */
  readonly readsProperties: boolean;
  /** The arguments of fields by their number: once for each run, however many objects have the field. */
  readonly argumentsOf: (Readonly<Record<string, unknown>> | undefined)[];
  /** Objects completed, by the number of their selection. */
  readonly counts: number[];
  /** The same for selections that the plan does not remember: the place of each object, and a one. */
  readonly unplanned: { readonly places: string[]; readonly counts: number[] };
  readonly errors: GraphQLError[];
  readonly root: Slot;
  /** Told when no value is to come any more. */
  onIdle: () => void;
  /** `info.getAbortSignal` of every field: aborts when the answer is complete, whatever is still under way. */
  readonly getAbortSignal: () => AbortSignal;
  /** Completes the fields of one object into its slot; throws when one that may not be null failed. */
  readonly runFields: (run: Run, selection: Selection, source: unknown, slot: Slot) => void;
}

/**
 * What a resolver is told of its field. A class, because one is made for each field that has a resolver, and most
 * resolvers read little of it: what they read is found out then.
 */
export class FieldInfo implements GraphQLResolveInfo {
  readonly run: Run;
  readonly field: FieldPlan;
  readonly parent: Slot;

  constructor(run: Run, field: FieldPlan, parent: Slot) {
    this.run = run;
    this.field = field;
    this.parent = parent;
  }

  get fieldName(): string {
    return this.field.definition.name;
  }

  get fieldNodes(): GraphQLResolveInfo['fieldNodes'] {
    return this.field.nodes;
  }

  get returnType(): GraphQLResolveInfo['returnType'] {
    return this.field.definition.type;
  }

  get parentType(): GraphQLResolveInfo['parentType'] {
    return this.field.parentType;
  }

  get path(): Path {
    return pathOf(this.parent, this.field.key, this.field.parentType.name);
  }

  get schema(): GraphQLResolveInfo['schema'] {
    return this.run.args.schema;
  }

  get fragments(): GraphQLResolveInfo['fragments'] {
    return this.run.args.fragmentDefinitions;
  }

  get rootValue(): unknown {
    return this.run.args.rootValue;
  }

  get operation(): GraphQLResolveInfo['operation'] {
    return this.run.args.operation;
  }

  get variableValues(): GraphQLResolveInfo['variableValues'] {
    return this.run.args.variableValues;
  }

  get getAbortSignal(): GraphQLResolveInfo['getAbortSignal'] {
    return this.run.getAbortSignal;
  }

  get getAsyncHelpers(): GraphQLResolveInfo['getAsyncHelpers'] {
    return getAsyncHelpers;
  }
}

const getAsyncHelpers: GraphQLResolveInfo['getAsyncHelpers'] = () => ({
  promiseAll: (values) => Promise.all(values),
  track: () => {},
});
