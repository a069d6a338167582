import { encodeNodeId } from '../src/index.ts';
import { builder } from './builder.ts';

/** Every object that can be read again by its global id alone. */
export const NodeInterface = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'An object that can be read again by its id (Relay Global Object Identification).',
  fields: (t) => ({
    id: t.id({
      cache: 'parent',
      needs: ['id'],
      description: 'Unique in the whole graph, opaque.',
      resolve: ({ id }, _args, _context, info) => encodeNodeId(info.parentType.name, id),
    }),
  }),
});
