import { brandWithType, type OutputType } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import { productById } from '../loaders/catalog.ts';
import { roomById } from '../loaders/chat.ts';
import type { ShopContext } from '../loaders/context.ts';
import { orderById } from '../loaders/orders.ts';
import { paymentById } from '../loaders/payments.ts';
import { userById } from '../loaders/users.ts';
import { parseNodeId, WeirError } from '../src/index.ts';
import { builder } from './builder.ts';
import { found } from './found.ts';
import { NodeInterface } from './node-interface.ts';

type BuilderTypes = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer Types> ? Types : never;
type NodeRow = { readonly id: string };
type LoadNode = (context: ShopContext, id: string, info: GraphQLResolveInfo) => Promise<NodeRow | null>;

/** How each type of node is read by its id: through the same loaders as everywhere else. */
const loadByTypename: ReadonlyMap<string, LoadNode> = new Map<string, LoadNode>([
  ['Order', (context, id, info) => context.load(orderById, id, context.readMask(info, 'Order'))],
  ['Payment', (context, id) => context.load(paymentById, id)],
  ['Product', (context, id, info) => context.load(productById, id, context.readMask(info, 'Product'))],
  ['Room', (context, id) => context.load(roomById, id)],
  ['User', (context, id, info) => context.load(userById, id, context.readMask(info, 'User'))],
]);

/** The loaders of all of them: which one an id needs, only the id says. */
const nodeLoaders = [orderById, paymentById, productById, roomById, userById];

/** Most ids that `nodes` takes: as many as the largest page has rows. */
const maxIds = 100;

builder.queryFields((t) => ({
  node: t.field({
    type: NodeInterface,
    nullable: true,
    calls: nodeLoaders,
    description: 'Any object by its id; null with an error when there is none for you.',
    args: { id: t.arg.id({ required: true, description: 'A global id.' }) },
    resolve: (_root, { id }, context, info) => loadNode(context, id, info),
  }),
  nodes: t.field({
    type: [NodeInterface],
    nullable: { list: false, items: true },
    description: 'Objects by their ids, in the same order; null with an error where there is none for you.',
    args: { ids: t.arg.idList({ required: true, description: `Global ids, at most ${maxIds}.` }) },
    listSize: { slicingArguments: ['ids'], maximum: maxIds },
    calls: nodeLoaders.map((loader) => ({ ...loader, keys: 'items' })),
    resolve: (_root, { ids }, context, info) => ids.map((id) => loadNode(context, id, info)),
  }),
}));

async function loadNode(context: ShopContext, nodeId: string, info: GraphQLResolveInfo): Promise<NodeRow> {
  const parsed = parseNodeId(nodeId);
  if (!parsed.ok) throw parsed.error;
  // What a variant hides is to it as what there never was.
  const load = info.schema.getType(parsed.typename) && loadByTypename.get(parsed.typename);
  if (!load)
    throw new WeirError('BAD_USER_INPUT', {
      message: `Expected the id of a node, got an id of ${parsed.typename}.`,
    });
  const row = found(await load(context, parsed.id, info));
  brandWithType<BuilderTypes>(row, parsed.typename as OutputType<BuilderTypes>); // as: the map's keys are names of object types
  return row;
}
