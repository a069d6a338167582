import { faultLines, wrongType } from './fault-lines.ts';
import { optionSections } from './option-sections.ts';
import { isOptions, type Options, optionsOf } from './plain-options.ts';
import { defaultPaths, sharedLimits, variantSections } from './variant-options.ts';

/** What is wrong with the sections of variants, each laid over what all variants share. */
export function faultsOfVariants(config: Options, production: boolean): string[] {
  const shared = {
    pages: optionSections.pages.safeParse(config['pages'] ?? {}).data ?? {},
    limits: sharedLimits(optionSections.limits.safeParse(config['limits'] ?? {}).data ?? {}),
    documents: optionSections.documents.safeParse(config['documents'] ?? {}).data ?? {},
  };
  const variants = Object.entries(optionsOf(config['variants'])).map(
    ([name, own]) => [name, optionsOf(own)] as const,
  );
  const bounds = variants.flatMap(([name, own]) =>
    sectionNames.flatMap((section) => {
      const given = { ...shared[section], ...optionsOf(own[section]) };
      const parsed = variantSections[section].safeParse(given, { reportInput: true, error: wrongType });
      const issues = parsed.error?.issues ?? [];
      return issues.flatMap((issue) =>
        faultLines({ ...issue, path: ['variants', name, section, ...issue.path] }),
      );
    }),
  );
  const open = variants.filter(([, { introspection }]) => production && introspection === 'anyone');
  return [
    ...bounds,
    ...open.map(
      ([name]) => `variants.${name}.introspection: expected known or nobody in production, got 'anyone'`,
    ),
    ...clashes(variants.map(([name, own], index) => addressOf(name, own, index === 0))),
  ];
}

const sectionNames = ['pages', 'limits', 'documents'] as const;

/** Where a variant is served, as far as it can be read. */
interface VariantAddress {
  readonly name: string;
  readonly paths: readonly string[];
  readonly hosts: readonly unknown[];
  readonly header: Options | undefined;
}

function addressOf(name: string, own: Options, isFirst: boolean): VariantAddress {
  const paths = Array.isArray(own['paths']) ? own['paths'].map(String) : defaultPaths(name, isFirst);
  return {
    name,
    paths: paths.flatMap((path) => [path, `${path}/stream`]),
    hosts: Array.isArray(own['hosts']) ? own['hosts'] : [],
    header: isOptions(own['header']) ? own['header'] : undefined,
  };
}

/** Variants of which nothing says which one a request is for. */
function clashes(addresses: readonly VariantAddress[]): string[] {
  return addresses.flatMap((address, index) =>
    addresses.slice(index + 1).flatMap((other) => {
      const path = other.paths.find((each) => address.paths.includes(each));
      if (path === undefined || !areAlike(address, other)) return [];
      return [
        `variants.${other.name}: expected another path, host or header than that of "${address.name}", got ${path} for both`,
      ];
    }),
  );
}

/** The one that says more of a request has it; two that say as much must say different things. */
function areAlike(one: VariantAddress, other: VariantAddress): boolean {
  if (one.hosts.length > 0 !== other.hosts.length > 0) return false;
  if ((one.header === undefined) !== (other.header === undefined)) return false;
  if (one.hosts.length > 0 && !one.hosts.some((host) => other.hosts.includes(host))) return false;
  const { header: first } = one;
  const { header: second } = other;
  return !first || !second || first['name'] !== second['name'] || first['value'] === second['value'];
}
