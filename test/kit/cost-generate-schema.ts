import { costDirectives } from './cost-directives.ts';
import type { Draw } from './generate/draw.ts';

/** Exact as binary fractions, so that sums do not depend on their order. */
const weights = ['0', '1', '2', '5', '10', '0.5', '2.25', '-1', '-3', '-7'];
const objects = ['A', 'B', 'C', 'D'];
const leaves = ['Int', 'String', 'Text', 'Shade'];

/** An argument as every type has it; weights and defaults are drawn for each type anew. */
interface Argument {
  readonly name: string;
  readonly type: string;
  /** Default values to draw from; empty: none anywhere. */
  readonly defaults: readonly string[];
}

/** A field as every type that has it, so that what the types have in common can be selected together. */
interface Field {
  readonly name: string;
  readonly named: string;
  readonly isList: boolean;
  readonly type: string;
  readonly args: readonly Argument[];
}

/** What is drawn first: directives name fields of other types. */
interface Types {
  readonly fields: ReadonlyMap<string, readonly Field[]>;
  readonly implementers: ReadonlyMap<string, readonly string[]>;
}

const argumentPool: readonly Argument[] = [
  { name: 'first', type: 'Int', defaults: ['3', '0', '-2', 'null'] },
  { name: 'limit', type: 'Int', defaults: ['4', '-1'] },
  { name: 'max', type: 'Int!', defaults: [] },
  { name: 'size', type: 'Int!', defaults: ['2', '5'] },
  { name: 'ids', type: '[ID!]', defaults: ['[]', '["a", "b"]'] },
  { name: 'filter', type: 'Filter', defaults: ['{}', 'null', '{ min: 1 }', '{ next: { on: true } }'] },
  { name: 'filters', type: '[Order]', defaults: ['[{}, null]', '{}'] },
  { name: 'flag', type: 'Boolean', defaults: ['true', 'null'] },
];
const slicingNames = new Set(['first', 'limit', 'max', 'size', 'ids']);

/** An SDL with `@cost` and `@listSize` in every place and form that they may have. Its sizes are small. */
export function drawCostSchema(draw: Draw): string {
  const types = drawTypes(draw);
  const interfaces = draw.chance(0.5) ? 'interface Named implements Node' : 'interface Named';
  const union = objects.filter(() => draw.chance(0.6));
  return [
    costDirectives,
    `directive @tag(level: Int${cost(draw)}, by: Filter${drawDefault(draw, ['{}', 'null'])}${cost(draw)}) on FIELD`,
    `scalar Text${cost(draw)}`,
    `enum Shade${cost(draw)} { LIGHT DARK }`,
    ...drawInputs(draw),
    `interface Node { ${drawFields(draw, types, 'Node')} }`,
    `${interfaces} { ${drawFields(draw, types, 'Named')} }`,
    ...objects.map((name) => drawObject(draw, types, name, interfaces.includes('implements'))),
    `union Any = ${union.length > 0 ? union.join(' | ') : 'A'}`,
    drawObject(draw, types, 'Query', false),
    drawObject(draw, types, 'Mutation', false),
  ].join('\n');
}

function drawTypes(draw: Draw): Types {
  const pool = Array.from({ length: 14 }, (_, index) => drawField(draw, index));
  const implementers = new Map([
    ['Node', objects.filter((_, index) => index === 0 || draw.chance(0.6))],
    ['Named', objects.filter((_, index) => index === 1 || draw.chance(0.4))],
  ]);
  const some = (share: number) => pool.filter((_, index) => index === 0 || draw.chance(share));
  const node = some(0.25);
  const named = union(node, some(0.2));
  const fields = new Map<string, readonly Field[]>([
    ['Node', node],
    ['Named', named],
    ['Query', some(0.8)],
    ['Mutation', some(0.5)],
  ]);
  for (const name of objects) {
    const inherited = [...implementers].flatMap(([type, by]) =>
      by.includes(name) ? (fields.get(type) ?? []) : [],
    );
    fields.set(name, union(inherited, some(0.4)));
  }
  return { fields, implementers };
}

function union(left: readonly Field[], right: readonly Field[]): readonly Field[] {
  return [...new Set([...left, ...right])];
}

function drawField(draw: Draw, index: number): Field {
  const named = index < 4 ? draw.pick(leaves) : draw.pick([...objects, 'Node', 'Named', 'Any']);
  const isList = draw.chance(0.5);
  const type = isList ? draw.pick([`[${named}]`, `[${named}!]!`, `[[${named}]]`]) : named;
  const args = argumentPool.filter(() => draw.chance(0.2));
  return { name: `f${index}`, named, isList, type, args };
}

function drawObject(draw: Draw, types: Types, name: string, isNamedNode: boolean): string {
  const isNamed = types.implementers.get('Named')?.includes(name);
  const isNode = types.implementers.get('Node')?.includes(name) || (isNamed && isNamedNode);
  const implemented = [...(isNode ? ['Node'] : []), ...(isNamed ? ['Named'] : [])];
  const clause = implemented.length > 0 ? ` implements ${implemented.join(' & ')}` : '';
  return `type ${name}${clause}${cost(draw)} { ${drawFields(draw, types, name)} }`;
}

function drawFields(draw: Draw, types: Types, parent: string): string {
  const isInterface = types.implementers.has(parent);
  return (types.fields.get(parent) ?? [])
    .map((field) => {
      const args = field.args.map(
        ({ name, type, defaults }) => `${name}: ${type}${drawDefault(draw, defaults, type)}${cost(draw)}`,
      );
      // Only objects may weigh their fields, and have arguments of their own.
      if (!isInterface && draw.chance(0.1))
        args.push(`extra: Filter${drawDefault(draw, ['{}', '{ min: 4 }'])}`);
      const weight = isInterface ? '' : cost(draw);
      return `${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}: ${field.type}${weight}${drawListSize(draw, types, field)}`;
    })
    .join('\n');
}

/** A default: always where the type asks for one, else now and then. */
function drawDefault(draw: Draw, defaults: readonly string[], type = ''): string {
  const isNeeded = type.endsWith('!');
  return defaults.length > 0 && (isNeeded || draw.chance(0.4)) ? ` = ${draw.pick(defaults)}` : '';
}

/** Legal by the IBM specification, sections 8 and 9, but that a default may stand beside an assumed size. */
function drawListSize(draw: Draw, types: Types, field: Field): string {
  const lists = (types.fields.get(field.named) ?? []).filter(({ isList }) => isList);
  const sized = lists.length > 0 && draw.chance(0.5) ? lists.filter(() => draw.chance(0.7)) : [];
  if (!field.isList && sized.length === 0) return '';
  const slicing = field.args.filter(({ name }) => slicingNames.has(name) && draw.chance(0.8));
  const parts = [
    ...(slicing.length > 0
      ? [`slicingArguments: ${names(slicing)}`, 'requireOneSlicingArgument: false']
      : []),
    ...(draw.chance(0.5) ? [`assumedSize: ${draw.pick([0, 1, 3, 6])}`] : []),
    ...(sized.length > 0 ? [`sizedFields: ${names(sized)}`] : []),
  ];
  return parts.length > 0 && draw.chance(0.85) ? ` @listSize(${parts.join(', ')})` : '';
}

function names(items: readonly { readonly name: string }[]): string {
  return JSON.stringify(items.map(({ name }) => name));
}

/** Defaults lead from Filter to Order only: a circle of them is no value. */
function drawInputs(draw: Draw): readonly string[] {
  const field = (name: string, type: string, defaults: readonly string[]) =>
    `${name}: ${type}${drawDefault(draw, defaults, type)}${cost(draw)}`;
  const filter = [
    field('min', 'Int', ['7', 'null']),
    field('shade', 'Shade!', ['LIGHT', 'DARK']),
    field('next', 'Order', ['{}', '{ on: true }', 'null']),
    field('all', '[Order!]', ['[]', '[{}, { on: null }]', '{}']),
    field('self', 'Filter', []),
  ];
  const order = [
    field('on', 'Boolean', ['true', 'null']),
    field('by', 'Text', ['"t"']),
    field('back', 'Filter', []),
  ];
  return [`input Filter { ${filter.join(' ')} }`, `input Order { ${order.join(' ')} }`];
}

function cost(draw: Draw): string {
  return draw.chance(0.35) ? ` @cost(weight: "${draw.pick(weights)}")` : '';
}
