import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  type SourceLocation,
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
    const answer = compiled.query(rootValue, contextValue, variableValues ?? {}) as Answer; // as: not a subscription
    return isPromise(answer)
      ? answer.then((settled) => withLocatedErrors(settled, document))
      : withLocatedErrors(answer, document);
  };
}

/**
 * Gives the compiler's errors the shape of graphql-js's own: instances of its class, with a position in the document,
 * and with an origin, so that what the compiler itself found (null for a non-null field) is told from a refusal.
 */
function withLocatedErrors(answer: ExecutionResult, { loc }: DocumentNode): ExecutionResult {
  if (!answer.errors) return answer;
  const errors = answer.errors.map(({ message, locations = [], path, originalError }) => {
    const positions = loc ? locations.map((location) => offsetOf(loc.source.body, location)) : [];
    return new GraphQLError(message, {
      ...(loc ? { source: loc.source, positions } : {}),
      ...(path ? { path } : {}),
      originalError: originalError ?? new Error(message),
    });
  });
  return { errors, ...(answer.data === undefined ? {} : { data: answer.data }) };
}

/** The index of a line and column (both from 1) in a text. Lines end as the lexer ends them. */
function offsetOf(text: string, { line, column }: SourceLocation): number {
  const breaks = text.matchAll(/\r\n|[\n\r]/g);
  let start = 0;
  for (let current = 1; current < line; current += 1) {
    const { value } = breaks.next();
    start = value ? value.index + value[0].length : start;
  }
  return start + column - 1;
}

function isPromise(answer: Answer): answer is Promise<ExecutionResult> {
  return 'then' in answer;
}
