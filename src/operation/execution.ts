import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  getOperationAST,
  getVariableValues,
} from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';

type Answer = ExecutionResult | Promise<ExecutionResult>;

/** Runs an operation whose document is parsed and validated. */
export type Execute = (args: ExecutionArgs) => Answer;

/** A compiled operation, or null for one that the compiler cannot do. */
type Plan = ((args: ExecutionArgs) => Answer) | null;

/**
 * Executes by plans that graphql-jit compiles at the second use of a document, and by graphql-js before that and for
 * what cannot be compiled. Both give equal answers. Plans live as long as the document that they are made of, so
 * the bound of the document cache is theirs too; a document that is used once is never compiled.
 */
export function createExecutor(): Execute {
  const seen = new WeakMap<DocumentNode, Map<string, Plan> | null>();
  return (args) => {
    const plans = seen.get(args.document);
    if (plans === undefined) {
      seen.set(args.document, null);
      return execute(args) as Answer; // as: without @defer and @stream there is one result
    }
    if (plans) return run(plans, args);
    const made = new Map<string, Plan>();
    seen.set(args.document, made);
    return run(made, args);
  };
}

function run(plans: Map<string, Plan>, args: ExecutionArgs): Answer {
  const name = args.operationName ?? '';
  let plan = plans.get(name);
  if (plan === undefined) {
    plan = compile(args);
    plans.set(name, plan);
  }
  return plan ? plan(args) : (execute(args) as Answer);
}

function compile({ schema, document, operationName }: ExecutionArgs): Plan {
  const compiled = compileQuery(schema, document, operationName ?? '');
  if (!isCompiledQuery(compiled)) return null;
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  return ({ rootValue, contextValue, variableValues }) => {
    // graphql-js judges the variables: it knows @oneOf, and its messages are those that clients know.
    const { errors } = getVariableValues(schema, definitions, variableValues ?? {}, { maxErrors: 50 });
    if (errors) return { errors };
    return compiled.query(rootValue, contextValue, variableValues ?? {}) as Answer; // as: not a subscription
  };
}
