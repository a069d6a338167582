import { GraphQLSchema } from 'graphql';
import type { z } from 'zod';
import { withIncrementalDirectives } from '../guard/documents/incremental-directives.ts';
import { type Projection, projectSchema } from '../guard/visibility/project-schema.ts';
import { variantsOf, visibleElements } from '../guard/visibility/shown.ts';
import { documentOptions } from './document-options.ts';
import { pageOptions } from './option-sections.ts';
import type { ParsedOptions } from './option-table.ts';
import { type Options, optionsOf } from './plain-options.ts';
import {
  defaultPaths,
  defaultVariants,
  type Introspection,
  sharedLimits,
  variantSections,
} from './variant-options.ts';

type Documents = z.infer<typeof documentOptions>;

/** One variant with every default filled in. */
export interface VariantSettings {
  readonly name: string;
  readonly schema: GraphQLSchema;
  /** At least one. */
  readonly paths: readonly string[];
  /** Lower-case, without ports; empty for any. */
  readonly hosts: readonly string[];
  /** That a request must have; its name is in lower case. */
  readonly header: { readonly name: string; readonly value: string } | undefined;
  readonly introspection: Introspection;
  readonly pages: Readonly<z.infer<typeof pageOptions>>;
  readonly limits: Readonly<z.infer<typeof variantSections.limits>>;
  readonly documents: Readonly<Documents & { readonly allow: NonNullable<Documents['allow']> }>;
}

/** What each variant shows of its schema, where there is one. */
export type Views = ReadonlyMap<string, Projection>;

/** What the variants of a configuration show. */
export function viewsOf(config: Options): Views {
  const views = new Map<string, Projection>();
  for (const [name, own] of Object.entries(namedVariants(config))) {
    const { schema = config['schema'] } = optionsOf(own);
    if (schema instanceof GraphQLSchema) views.set(name, projectSchema(schema, name));
  }
  return views;
}

function namedVariants({ variants = defaultVariants }: Options): Options {
  return optionsOf(variants);
}

/** What is wrong with what is tagged in the schema. */
export function faultsOfViews(config: Options, views: Views): string[] {
  const { schema } = config;
  const names = Object.keys(namedVariants(config));
  const elements = schema instanceof GraphQLSchema ? visibleElements(schema) : [];
  const unknown = elements.flatMap((element) =>
    (variantsOf(element) ?? [])
      .filter((name) => !names.includes(name))
      .map((name) => `schema: ${element}: expected names of variants (${names.join(', ')}), got "${name}"`),
  );
  const faults = [...views].flatMap(([name, view]) =>
    view.ok ? [] : view.faults.map((fault) => `variants.${name}.schema: ${fault}`),
  );
  return [...unknown, ...faults];
}

/** What a variant is made of beside its options. */
interface VariantStart {
  readonly name: string;
  readonly isFirst: boolean;
  readonly production: boolean;
  readonly view: Projection | undefined;
}

/** A variant of a configuration without faults, with every default filled in. */
export function variantFrom(
  { schema, pages, limits, documents, variants }: ParsedOptions,
  { name, isFirst, production, view }: VariantStart,
): VariantSettings {
  const own = variants[name];
  const bounds = variantSections.limits.parse({ ...sharedLimits(limits), ...own?.limits });
  const shown = view?.ok ? view.schema : schema;
  return {
    name,
    schema: bounds.maxDeferredParts > 0 ? withIncrementalDirectives(shown) : shown,
    paths: own?.paths ?? defaultPaths(name, isFirst),
    hosts: own?.hosts ?? [],
    header: own?.header,
    introspection: own?.introspection ?? (production ? 'nobody' : 'anyone'),
    pages: pageOptions.parse({ ...pages, ...own?.pages }),
    limits: bounds,
    documents: documentsFrom({ ...documents, ...own?.documents }, production),
  };
}

function documentsFrom(options: Options, production: boolean): VariantSettings['documents'] {
  const documents = documentOptions.parse(options);
  return { ...documents, allow: documents.allow ?? (production ? 'trusted' : 'any') };
}
