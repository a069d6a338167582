import {
  type DirectiveNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  Kind,
  type SelectionNode,
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

/** The plans of one document, by operation and by what its conditions come to. */
interface Plans {
  /** Variables that @skip and @include depend on. */
  readonly conditions: readonly string[];
  readonly made: Map<string, Plan>;
}

/** Most plans of one document: conditions multiply; what comes after is executed by graphql-js. */
const maxPlans = 16;

/**
 * Executes by plans that graphql-jit compiles at the second use of a document, and by graphql-js before that and for
 * what cannot be compiled. Both give equal answers. Plans live as long as the document that they are made of, so the
 * bound of the document cache is theirs too; a document that is used once is never compiled.
 */
export function createExecutor(): Execute {
  const seen = new WeakMap<DocumentNode, Plans | null>();
  return (args) => {
    const plans = seen.get(args.document);
    if (plans) return run(plans, args);
    if (plans === undefined) {
      seen.set(args.document, null);
      return execute(args) as Answer; // as: without @defer and @stream there is one result
    }
    const first: Plans = { conditions: conditionsOf(args.document), made: new Map() };
    seen.set(args.document, first);
    return run(first, args);
  };
}

function run({ conditions, made }: Plans, args: ExecutionArgs): Answer {
  const values = withDefaults(definitionsOf(args), args.variableValues ?? {});
  const key = [args.operationName ?? '', ...conditions.map((name) => String(values[name]))].join(' ');
  let plan = made.get(key);
  if (plan === undefined && made.size < maxPlans) {
    plan = compile(args, values);
    made.set(key, plan);
  }
  return plan ? plan({ ...args, variableValues: values }) : (execute(args) as Answer); // as above
}

function compile({ schema, document, operationName }: ExecutionArgs, values: Values): Plan {
  if (hasMagicText(document)) return null;
  const compiled = compileQuery(schema, withoutConditions(document, values), operationName ?? '');
  if (!isCompiledQuery(compiled)) return null;
  const definitions = definitionsOf({ document, operationName });
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

/** Whether a text of the document would become code: the compiler writes dates so, and takes a client's text for its own. */
function hasMagicText(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    StringValue: ({ value }) => {
      found ||= value.includes('__MAGIC_');
    },
  });
  return found;
}

type Values = Readonly<Record<string, unknown>>;

function definitionsOf({ document, operationName }: Pick<ExecutionArgs, 'document' | 'operationName'>) {
  return getOperationAST(document, operationName)?.variableDefinitions ?? [];
}

function isCondition({ name }: DirectiveNode): boolean {
  return name.value === 'skip' || name.value === 'include';
}

function conditionsOf(document: DocumentNode): readonly string[] {
  const names = new Set<string>();
  visit(document, {
    Directive: (directive) => {
      const value = isCondition(directive) ? directive.arguments?.[0]?.value : undefined;
      if (value?.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names];
}

/**
 * The document with its conditions decided. The compiler notes a condition in the node of the field, so where a fragment is
 * spread twice, or a field stands twice, one condition would take from the answer, or give to it, what the other decides.
 */
function withoutConditions(document: DocumentNode, values: Values): DocumentNode {
  const decide = <Node extends SelectionNode>(node: Node): Node | null | undefined => {
    const conditions = node.directives?.filter(isCondition) ?? [];
    if (conditions.length === 0) return undefined;
    if (!conditions.every((condition) => holds(condition, values))) return null;
    return { ...node, directives: node.directives?.filter((directive) => !isCondition(directive)) ?? [] };
  };
  return visit(document, { Field: decide, InlineFragment: decide, FragmentSpread: decide });
}

function holds({ name, arguments: [argument] = [] }: DirectiveNode, values: Values): boolean {
  const value = argument && valueFromASTUntyped(argument.value, values);
  return name.value === 'include' ? value === true : value !== true;
}

/** The variables with those that have only a default: the compiler takes a non-null variable without a value for missing. */
function withDefaults(definitions: readonly VariableDefinitionNode[], given: Values): Values {
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
