import { required } from '../loaders/required.ts';
import { userById } from '../loaders/users.ts';
import { encodeNodeId } from '../src/index.ts';
import type { Review as ReviewMessage } from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { builder } from './builder.ts';
import { User } from './user.ts';

/** What one customer says of one product. */
export const Review = builder.objectRef<ReviewMessage>('Review').implement({
  description: 'What one customer says of one product.',
  cache: { maxAgeSeconds: 60, scope: 'public' },
  fields: (t) => ({
    id: t.id({
      description: 'Unique in the whole graph, opaque.',
      resolve: ({ id }) => encodeNodeId('Review', id),
    }),
    rating: t.exposeInt('rating', { description: '1 (worst) to 5 (best).' }),
    title: t.exposeString('title', { description: 'A line.' }),
    body: t.exposeString('body', { description: 'A paragraph of plain text.' }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was written.',
      resolve: ({ createTime }) => required(createTime, 'create_time'),
    }),
    author: t.field({
      type: User,
      nullable: true,
      calls: [userById],
      description: 'The user who wrote it; null when the account is gone.',
      resolve: ({ authorId }, _args, context, info) =>
        context.load(userById, authorId, context.readMask(info, 'User')),
    }),
  }),
});
