import {
  type FieldNode,
  type GraphQLNamedType,
  type GraphQLObjectType,
  isCompositeType,
  type SelectionSetNode,
} from 'graphql';
import { collectFields, type Region, regionsFrom, type Work } from './collect-fields.ts';
import type { Outcome } from './conditions.ts';
import type { CostModel, FieldFacts } from './cost-model.ts';
import { countDeferred, isStreamed } from './deferred-parts.ts';
import type { FieldUse, Place } from './formula.ts';
import { createCase, createFieldUse, createPlace } from './formula-parts.ts';
import { addRules, type InputsRule, inputsRuleFrom } from './input-cost.ts';
import { type DeclaredLength, declaredLengthFrom } from './list-length.ts';
import { factsOf, type OperationParts } from './operation-parts.ts';

/** Fields of one more object type of a region that are looked up in the time of one selection. */
const typesPerWork = 8;

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

/** The nodes that ask for one response name at a place, with what becomes of them on types that price it alike. */
interface Entry {
  readonly key: string;
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
  readonly uses: Map<number, FieldUse>;
}

interface Alternative {
  types: readonly GraphQLObjectType[];
  readonly fields: readonly FieldUse[];
}

/**
 * The formula of an operation for one outcome of its conditions, exact: fields are merged by response name, and object
 * types are cases of their own unless they are priced alike. Takes from `work`; undefined when there is not enough.
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
  const entries = new Map<string, Entry>();
  const cases: Alternative[] = [];
  let deferred = 0;
  for (const region of regionsFrom(parts, model.possibleTypes(type), sets, work)) {
    const collected = collectFields(parts, region[0], sets, outcome, work);
    deferred = Math.max(deferred, countDeferred(parts, region[0], sets, outcome, work));
    const asked = [...collected].map(([key, nodes]) => entryFrom(compilation, entries, key, nodes));
    for (const [index, alike] of typesAlike(model, type, region, asked).entries()) {
      if (index > 0) work.left -= asked.length / typesPerWork;
      if (work.left < 0) return createPlace(model, []);
      addCase(cases, alike, fieldsFrom(compilation, alike[0], asked, handedDown));
    }
  }
  return createPlace(
    model,
    cases.map(({ types, fields }) => createCase(types, fields)),
    deferred,
  );
}

/** The whole region at once where all types at the place have the fields at the same price, else each type by itself. */
function typesAlike(
  model: CostModel,
  type: GraphQLNamedType,
  region: Region,
  asked: readonly Entry[],
): readonly Region[] {
  if (region.length === 1) return [region];
  const isAlike = asked.every(({ nodes }) => model.isAlike(type, nodes[0].name.value));
  return isAlike ? [region] : region.map((one) => [one]);
}

function addCase(cases: Alternative[], types: Region, fields: readonly FieldUse[]): void {
  const known = cases.find((one) => isSame(one.fields, fields));
  if (known) known.types = [...known.types, ...types];
  else cases.push({ types, fields });
}

function isSame(some: readonly FieldUse[], others: readonly FieldUse[]): boolean {
  return some.length === others.length && some.every((field, index) => field === others[index]);
}

/** Entries are told apart by their nodes: those of several regions may be the same. */
function entryFrom(
  { numbers }: Compilation,
  entries: Map<string, Entry>,
  key: string,
  nodes: Entry['nodes'],
): Entry {
  let identity = key;
  for (const node of nodes) {
    const number = numbers.get(node) ?? numbers.size;
    numbers.set(node, number);
    identity += ` ${number}`;
  }
  const entry = entries.get(identity) ?? {
    key,
    nodes,
    uses: new Map<number, FieldUse>(),
  };
  entries.set(identity, entry);
  return entry;
}

/** The fields of one object type, the same ones for types that price them alike. */
function fieldsFrom(
  compilation: Compilation,
  type: GraphQLObjectType,
  asked: readonly Entry[],
  handedDown: HandedDown | undefined,
): readonly FieldUse[] {
  const { model } = compilation.parts;
  const fields: FieldUse[] = [];
  for (const { key, nodes, uses } of asked) {
    const facts = factsOf(model, type, nodes[0].name.value);
    if (!facts) continue;
    const use = uses.get(facts.profile) ?? fieldFrom(compilation, key, facts, nodes, handedDown);
    uses.set(facts.profile, use);
    fields.push(use);
  }
  return fields;
}

function fieldFrom(
  compilation: Compilation,
  key: string,
  facts: FieldFacts,
  nodes: Entry['nodes'],
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
    isStreamed: isStreamed(nodes),
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
