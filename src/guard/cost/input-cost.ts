import { type GraphQLInputObjectType, Kind, type ValueNode, valueFromASTUntyped } from 'graphql';
import type { CostModel, InputFacts } from './cost-model.ts';
import { clamp } from './saturating.ts';

/** Coerced values of an operation's variables; null: nothing is known of them. */
export type Variables = Readonly<Record<string, unknown>> | null;

/** Stands for the value of a variable of which nothing is known. */
export const unknownValue: unique symbol = Symbol('unknown value');

/** What the arguments of one field node add to its call: what is known beforehand, and what depends on variables. */
export interface InputsRule {
  readonly known: number;
  readonly varying: readonly { readonly facts: InputFacts; readonly node: ValueNode }[];
}

interface Applied {
  readonly arguments?:
    | readonly { readonly name: { readonly value: string }; readonly value: ValueNode }[]
    | undefined;
}

/** The rule for the arguments of a field or directive as they are applied in a document. */
export function inputsRuleFrom(
  model: CostModel,
  definitions: readonly InputFacts[],
  applied: Applied,
): InputsRule {
  let known = 0;
  const varying = [];
  for (const facts of definitions) {
    if (facts.weight === 0 && !facts.inputType) continue;
    const node = applied.arguments?.find(({ name }) => name.value === facts.name)?.value;
    if (node && hasVariable(node)) varying.push({ facts, node });
    else known += inputCost(model, facts, givenValue(node, {}));
  }
  return { known, varying };
}

/** All of them at once. */
export function addRules(rules: readonly InputsRule[]): InputsRule {
  return {
    known: rules.reduce((sum, { known }) => sum + known, 0),
    varying: rules.flatMap(({ varying }) => varying),
  };
}

/** What a rule comes to; may be below 0. */
export function inputsCost(model: CostModel, { known, varying }: InputsRule, variables: Variables): number {
  let cost = known;
  for (const { facts, node } of varying) cost += inputCost(model, facts, givenValue(node, variables));
  return cost;
}

/** A literal as JSON, with the values of its variables; undefined: absent. */
export function givenValue(node: ValueNode | undefined, variables: Variables): unknown {
  if (!node) return undefined;
  switch (node.kind) {
    case Kind.VARIABLE:
      return variables ? memberOf(variables, node.name.value) : unknownValue;
    case Kind.LIST:
      return node.values.map((item) => givenValue(item, variables));
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map(({ name, value }) => [name.value, givenValue(value, variables)]),
      );
    default:
      return valueFromASTUntyped(node);
  }
}

/** One's own: `constructor` is a name like any other. */
export function memberOf(owner: object, name: string): unknown {
  return Object.hasOwn(owner, name) ? Reflect.get(owner, name) : undefined;
}

function hasVariable(node: ValueNode): boolean {
  if (node.kind === Kind.LIST) return node.values.some(hasVariable);
  if (node.kind === Kind.OBJECT) return node.fields.some(({ value }) => hasVariable(value));
  return node.kind === Kind.VARIABLE;
}

/** One argument or input field: absent without a default it is free; null is given, and is not what a default is for. */
function inputCost(model: CostModel, facts: InputFacts, given: unknown): number {
  const value = given === undefined ? facts.defaultValue : given;
  if (value === undefined) return 0;
  if (value === unknownValue) return dearestInput(model, facts);
  return facts.weight + (facts.inputType ? objectsCost(model, facts.inputType, value) : 0);
}

/** The input fields of all objects in a value. */
function objectsCost(model: CostModel, type: GraphQLInputObjectType, value: unknown): number {
  if (value === unknownValue) return dearestInput(model, { weight: 0, inputType: type });
  if (Array.isArray(value))
    return value.reduce((sum: number, item) => sum + objectsCost(model, type, item), 0);
  if (typeof value !== 'object' || value === null) return 0;
  let cost = 0;
  for (const facts of model.inputFields(type)) {
    cost += inputCost(model, facts, memberOf(value, facts.name));
  }
  return cost;
}

type WeighedInput = Pick<InputFacts, 'weight' | 'inputType'>;

/** How many input fields are looked at to price a variable of which nothing is known; beyond it has no bound. */
const maxUnknownFields = 10_000;

/**
 * The dearest value that a variable may have, of those with one item in a list and no input type within itself: the
 * others have no end, and guard/shape bounds them.
 */
function dearestInput(model: CostModel, input: WeighedInput): number {
  const path = new Set<GraphQLInputObjectType>();
  let looked = 0;

  function ofInput({ weight, inputType }: WeighedInput): number {
    looked += 1;
    if (looked > maxUnknownFields) return Number.POSITIVE_INFINITY;
    return clamp(weight + (inputType ? ofObject(inputType) : 0));
  }

  function ofObject(type: GraphQLInputObjectType): number {
    if (path.has(type)) return 0;
    path.add(type);
    let cost = 0;
    for (const field of model.inputFields(type)) {
      cost += ofInput(field);
      if (looked > maxUnknownFields) break;
    }
    path.delete(type);
    return cost;
  }

  return ofInput(input);
}
