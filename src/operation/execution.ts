import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  type SourceLocation,
  type VariableDefinitionNode,
  valueFromASTUntyped,
  visit,
} from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';

type Answer = ExecutionResult | Promise<ExecutionResult>;

/** Runs an operation whose document is parsed and validated. */
export type Execute = (args: ExecutionArgs) => Answer;

/** A compiled operation, or null for one that the compiler cannot do. */
type Plan = ((args: ExecutionArgs) => Answer) | null;

/**
 * Executes by plans that graphql-jit compiles at the second use of a document, and by graphql-js before that and for
 * what cannot be compiled, or not rightly. Both give equal answers. Plans live as long as the document that they are made of, so
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
  if (hasConditions(document)) return null;
  const compiled = compileQuery(schema, document, operationName ?? '');
  if (!isCompiledQuery(compiled)) return null;
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  return ({ rootValue, contextValue, variableValues }) => {
    // graphql-js judges the variables: it knows @oneOf, and its messages are those that clients know.
    const { errors } = getVariableValues(schema, definitions, variableValues ?? {}, { maxErrors: 50 });
    if (errors) return { errors };
    const values = withDefaults(definitions, variableValues ?? {});
    const answer = compiled.query(rootValue, contextValue, values) as Answer; // as: not a subscription
    return isPromise(answer)
      ? answer.then((settled) => withLocatedErrors(settled, document))
      : withLocatedErrors(answer, document);
  };
}

/**
 * Whether anything in the document depends on @skip or @include. The compiler notes the condition of a field in its node, so
 * where a fragment is spread twice, or a field stands twice, one condition takes from the answer, or gives to it, what the
 * other decides.
 */
function hasConditions(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Directive: ({ name }) => {
      found ||= name.value === 'skip' || name.value === 'include';
    },
  });
  return found;
}

/** The variables with those that have only a default: the compiler takes a non-null variable without a value for missing. */
function withDefaults(
  definitions: readonly VariableDefinitionNode[],
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = { ...given };
  for (const { variable, defaultValue } of definitions) {
    const name = variable.name.value;
    if (defaultValue && values[name] === undefined) values[name] = valueFromASTUntyped(defaultValue);
  }
  return values;
}

/**
 * Gives the compiler's errors the shape of graphql-js's own: instances of its class, with a position in the document,
 * and with an origin, so that what the compiler itself found (null for a non-null field) is told from a refusal.
 */
function withLocatedErrors(answer: ExecutionResult, { loc }: DocumentNode): ExecutionResult {
  if (!answer.errors) return answer;
  for (const { path = [] } of answer.errors) completeLists(answer.data, path);
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

/** Puts back the nulls of items that failed at the end of a list: the compiler leaves them out. */
function completeLists(data: unknown, path: readonly (string | number)[]): void {
  let value = data;
  for (const step of path) {
    if (Array.isArray(value)) while (value.length <= Number(step)) value.push(null);
    value = (value as Readonly<Record<string | number, unknown>> | null | undefined)?.[step]; // as: the path of an error in it
  }
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
