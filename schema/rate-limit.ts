import type { RateLimitView } from '../src/index.ts';
import { builder } from './builder.ts';

const RateLimit = builder.objectRef<RateLimitView>('RateLimit').implement({
  description: 'How the budget of whoever asks stands, in points that come back over time.',
  fields: (t) => ({
    limit: t.exposeInt('limit', { description: 'Points that may be spent at once.' }),
    cost: t.exposeInt('cost', { description: 'Points that this operation was estimated at.' }),
    remaining: t.exposeInt('remaining', { description: 'Points that are left, its estimate taken off.' }),
    used: t.exposeInt('used', { description: 'Points that are spent and not yet back.' }),
    resetAt: t.field({
      type: 'DateTime',
      description: 'When all points are back, if nothing more is spent.',
      resolve: ({ resetAt }) => resetAt,
    }),
  }),
});

builder.queryFields((t) => ({
  rateLimit: t.field({
    type: RateLimit,
    nullable: true,
    description: 'How the budget of whoever asks stands; null where nothing is metered.',
    resolve: (_root, _args, context) => context.rateLimit(),
  }),
}));
