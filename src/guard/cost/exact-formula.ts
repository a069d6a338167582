import { type FieldNode, type GraphQLNamedType, isCompositeType, type SelectionSetNode } from 'graphql';
import type { Outcome } from './conditions.ts';
import type { CostModel, FieldFacts } from './cost-model.ts';
import type { Case, FieldUse, Place } from './formula.ts';
import { createCase, createFieldUse, createPlace } from './formula-parts.ts';
import { addRules, type InputsRule, inputsRuleFrom } from './input-cost.ts';
import { type DeclaredLength, declaredLengthFrom } from './list-length.ts';
import { collectFields, factsOf, type OperationParts, type Work } from './operation-parts.ts';

/** What a field hands down to lists in its own object. */
interface HandedDown {
  readonly names: readonly string[];
  readonly declared: DeclaredLength;
}

interface Compilation {
  readonly parts: OperationParts;
  readonly outcome: Outcome;
  readonly work: Work;
  /** Numbers of nodes, to tell fields apart by. */
  readonly numbers: Map<FieldNode, number>;
}

/**
 * The formula of an operation for one outcome of its conditions, exact: fields are merged by response name, and each
 * object type is a case of its own. Takes from `work`; undefined when there is not enough.
 */
export function compileExact(parts: OperationParts, outcome: Outcome, work: Work): Place | undefined {
  const compilation: Compilation = { parts, outcome, work, numbers: new Map() };
  const place = placeFrom(compilation, parts.rootType, [parts.operation.selectionSet], undefined);
  return work.left < 0 ? undefined : place;
}

function placeFrom(
  compilation: Compilation,
  type: GraphQLNamedType,
  sets: readonly SelectionSetNode[],
  handedDown: HandedDown | undefined,
): Place {
  const { parts, outcome, work } = compilation;
  const { model } = parts;
  // Object types whose fields are the same ones at the same price are one case.
  const uses = new Map<string, FieldUse>();
  const cases = new Map<string, { typenames: string[]; fields: readonly FieldUse[] }>();
  for (const objectType of model.possibleTypes(type)) {
    const identities: string[] = [];
    for (const [key, nodes] of collectFields(parts, objectType, sets, outcome, work)) {
      if (work.left < 0) break;
      const facts = factsOf(model, objectType, nodes[0].name.value);
      if (!facts) continue;
      const identity = `${key} ${facts.profile} ${numbersOf(compilation, nodes)}`;
      if (!uses.has(identity)) uses.set(identity, fieldFrom(compilation, key, facts, nodes, handedDown));
      identities.push(identity);
    }
    const identity = identities.join(';');
    const known = cases.get(identity);
    if (known) known.typenames.push(objectType.name);
    else cases.set(identity, { typenames: [objectType.name], fields: fieldsOf(uses, identities) });
  }
  return createPlace(
    model,
    [...cases.values()].map(({ typenames, fields }): Case => createCase(typenames, fields)),
  );
}

function fieldsOf(uses: ReadonlyMap<string, FieldUse>, identities: readonly string[]): readonly FieldUse[] {
  return identities.flatMap((identity) => uses.get(identity) ?? []);
}

function fieldFrom(
  compilation: Compilation,
  key: string,
  facts: FieldFacts,
  nodes: readonly [FieldNode, ...FieldNode[]],
  inherited: HandedDown | undefined,
): FieldUse {
  const { model } = compilation.parts;
  const declared = declaredLengthFrom(model, facts, nodes[0]);
  const names = facts.listSize?.sizedFields ?? [];
  const handedDown = declared && names.length > 0 ? { names, declared } : undefined;
  const own = declared && !handedDown ? [declared] : [];
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  return createFieldUse(model, {
    key,
    typename: facts.type.name,
    callWeight: facts.callWeight,
    itemWeight: facts.itemWeight,
    ownPoints: facts.ownPoints,
    isList: facts.isList,
    lengths: facts.isList ? [inherited?.names.includes(facts.name) ? [inherited.declared, ...own] : own] : [],
    handedDown: handedDown ? [handedDown.declared] : [],
    inputs: rulesFrom(model, facts, nodes),
    calls: facts.calls,
    place: isCompositeType(facts.type) ? placeFrom(compilation, facts.type, sets, handedDown) : undefined,
  });
}

/** Of each node: by validation they have the same arguments, but not the same directives. */
export function rulesFrom(
  model: CostModel,
  facts: FieldFacts,
  nodes: readonly FieldNode[],
): readonly InputsRule[] {
  return nodes.map((node) => {
    const directives = (node.directives ?? []).map((applied) =>
      inputsRuleFrom(model, model.directiveArguments(applied.name.value), applied),
    );
    return addRules([inputsRuleFrom(model, facts.args, node), ...directives]);
  });
}

function numbersOf({ numbers }: Compilation, nodes: readonly FieldNode[]): string {
  return nodes
    .map((node) => {
      const known = numbers.get(node) ?? numbers.size;
      numbers.set(node, known);
      return known;
    })
    .join(',');
}
