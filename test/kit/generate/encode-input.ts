import {
  type ConstValueNode,
  type GraphQLInputType,
  getNullableType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  Kind,
  type ObjectFieldNode,
  parseType,
  type ValueNode,
  type VariableDefinitionNode,
  type VariableNode,
  valueToLiteral,
} from 'graphql';
import type { Draw } from './draw.ts';
import { omitted } from './input-values.ts';
import { nameNode } from './name-node.ts';

/** A variable of the document, with the value that is sent: {@link omitted} for none. */
export interface GeneratedVariable {
  readonly definition: VariableDefinitionNode;
  readonly value: unknown;
}

/** All variables of a document, by name; each operation declares those that it uses. */
export type Variables = Map<string, GeneratedVariable>;

/** A value and where it stands. */
export interface InputValue {
  readonly type: GraphQLInputType;
  readonly value: unknown;
  /** The place has a default, so that a nullable variable may stand there. */
  readonly hasDefault: boolean;
  /** A member of a @oneOf input object takes only variables that cannot be null. */
  readonly isOneOf: boolean;
}

/** Writes values as literals and variables. */
export interface InputEncoder {
  /** The AST of a value, or undefined where it is left out. */
  readonly encode: (input: InputValue) => ValueNode | undefined;
}

/** An encoder that makes variables of values, and of parts of them, with the probability `variableShare`. */
export function createInputEncoder(draw: Draw, variables: Variables, variableShare: number): InputEncoder {
  const encode = (input: InputValue): ValueNode | undefined => {
    if (draw.chance(variableShare)) return variableFor(draw, variables, input);
    return input.value === omitted ? undefined : encodeLiteral(input);
  };

  const encodeLiteral = ({ type: given, value }: InputValue): ValueNode => {
    const type = getNullableType(given);
    const plain = { hasDefault: false, isOneOf: false };
    if (isListType(type) && Array.isArray(value)) {
      const items = value.map((item) => encode({ ...plain, type: type.ofType, value: item }));
      const [only] = items;
      // One item may stand for the list of it (GraphQL specification, section 3.11, input coercion).
      if (items.length === 1 && only?.kind === Kind.STRING && draw.chance(0.2)) return only;
      return { kind: Kind.LIST, values: items.filter((item) => item !== undefined) };
    }
    if (!isInputObjectType(type) || !isObject(value)) return literal(value, given);
    const fields = Object.values(type.getFields()).flatMap((field): ObjectFieldNode[] => {
      const hasDefault = isNonNullType(field.type) && !isRequiredInputField(field);
      const input = { type: field.type, value: value[field.name], hasDefault, isOneOf: type.isOneOf };
      // What is left out of @oneOf stays out: a variable that is not given counts as a member.
      if (input.value === omitted && (type.isOneOf || isNonNullType(field.type))) return [];
      const node = encode(input);
      return node ? [{ kind: Kind.OBJECT_FIELD, name: nameNode(field.name), value: node }] : [];
    });
    return { kind: Kind.OBJECT, fields };
  };

  return { encode };
}

/** How a variable can carry a value: its type, its default and what is sent. */
function variableFor(draw: Draw, variables: Variables, input: InputValue): ValueNode {
  const { type, value, hasDefault, isOneOf } = input;
  const nullable = getNullableType(type);
  const strict = `${nullable}!`;
  if (value === omitted || value === null) return addVariable(variables, { type: `${nullable}`, value });
  const defaultValue = literal(value, nullable);
  const own = isOneOf || isNonNullType(type) ? strict : `${nullable}`;
  const forms: NewVariable[] = [
    { type: own, value },
    { type: own, value },
    { type: strict, value },
    { type: own, value: omitted, defaultValue },
    { type: strict, value, defaultValue },
  ];
  // A nullable variable may stand where null may not when its default, or the place's, is there instead.
  if (!isOneOf) forms.push({ type: `${nullable}`, value: omitted, defaultValue });
  if (!isOneOf && (hasDefault || !isNonNullType(type))) forms.push({ type: `${nullable}`, value });
  if (!isOneOf && !isNonNullType(type)) {
    forms.push({ type: `${nullable}`, value, defaultValue: { kind: Kind.NULL } });
  }
  return addVariable(variables, draw.pick(forms));
}

interface NewVariable {
  readonly type: string;
  readonly value: unknown;
  readonly defaultValue?: ConstValueNode;
}

function addVariable(variables: Variables, { type, value, defaultValue }: NewVariable): ValueNode {
  const name = `v${variables.size + 1}`;
  const variable: VariableNode = { kind: Kind.VARIABLE, name: nameNode(name) };
  const definition: VariableDefinitionNode = {
    kind: Kind.VARIABLE_DEFINITION,
    variable,
    type: parseType(type, { noLocation: true }),
    ...(defaultValue && { defaultValue }),
  };
  variables.set(name, { definition, value });
  return variable;
}

function literal(value: unknown, type: GraphQLInputType): ConstValueNode {
  const node = valueToLiteral(value, type);
  if (node) return node;
  throw new TypeError(`Expected a value of ${type}, got ${JSON.stringify(value)}.`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
