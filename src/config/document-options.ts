import { z } from 'zod';
import { whole } from '../whole.ts';

const allowances = ['trusted', 'any'] as const;

/** The section `documents`: which documents are run. */
export const documentOptions = z.strictObject({
  manifests: z
    .array(z.string().min(1, 'expected the path of a file or a folder'))
    .max(16, 'expected at most 16 manifests')
    .default([])
    .meta({
      description:
        'Trusted documents: manifests of graphql-codegen, Relay or Apollo, or folders of `.graphql` files',
      bounds: 'at most 16 paths',
      default: 'none',
    }),
  allow: z
    .enum(allowances, `expected one of ${allowances.join(', ')}`)
    .optional()
    .meta({
      description: 'Which documents are run: those of the manifests (`trusted`), or `any`',
      default: '`trusted` in production, `any` outside',
    }),
  scope: z
    .string()
    .min(1, 'expected the name of a scope')
    .default('documents:any')
    .describe('Scope whose holders may send any document in any case'),
  reloadMs: whole(0, 3_600_000, 5000).describe(
    'Time between two looks whether manifests have changed, in milliseconds; 0 for none',
  ),
  maxBytes: whole(1_048_576, 17_179_869_184, 268_435_456).describe(
    'About what trusted documents may take, in bytes of memory; more are refused at the start',
  ),
  automaticMaxDocuments: whole(0, 100_000, 0).describe(
    'Documents that are kept for automatic persisted queries of those who may send any; 0 turns them off',
  ),
  automaticMaxBytes: whole(1024, 1_073_741_824, 8_388_608).describe(
    'Of their texts, in bytes of memory; one tenant, or caller without one, has a fifth',
  ),
});
