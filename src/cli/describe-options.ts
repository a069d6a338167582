import { z } from 'zod';
import { environmentTable, upstreamPrefix } from '../config/environment.ts';
import { optionSections } from '../config/option-sections.ts';
import { variantOptions, variantSections } from '../config/variant-options.ts';
import { upstreamDescriptions } from '../upstream/limit-descriptions.ts';
import { upstreamLimits } from '../upstream/limits.ts';

/** One option for people, as a row of the README's table; what does not apply is ''. */
export interface OptionDescription {
  /** Its path in weir.config.ts. */
  readonly option: string;
  readonly description: string;
  readonly default: string;
  readonly bounds: string;
  /** The environment variable that goes before the file. */
  readonly variable: string;
}

/** Every option of weir.config.ts but the schema, in the order of the README's table. */
export function describeOptions(): readonly OptionDescription[] {
  return [
    ...Object.entries(optionSections).flatMap(([section, options]) => describeSection(section, options)),
    ...describeVariant('variants.<name>'),
    ...describeUpstream('upstreams.<name>'),
  ];
}

function describeSection(section: string, options: z.ZodType): OptionDescription[] {
  const { properties = {} } = z.toJSONSchema(options, { io: 'input' });
  return Object.entries(properties).map(([name, property]) => {
    const facts: z.core.JSONSchema.BaseSchema = typeof property === 'object' ? property : {};
    const option = `${section}.${name}`;
    return {
      option,
      description: facts.description ?? '',
      default: String(facts.default),
      bounds: boundsOf(facts),
      variable: variableOf(option),
    };
  });
}

/** Its own options, and the sections of which each variant may have other values. */
function describeVariant(path: string): OptionDescription[] {
  const sections = Object.keys(variantSections).map((section) => ({
    option: `${path}.${section}`,
    description: `Options of \`${section}\` where they differ for this variant`,
    default: `those of \`${section}\``,
    bounds: `as in \`${section}\``,
    variable: '',
  }));
  return [...describeSection(path, variantOptions), ...sections];
}

function boundsOf({ bounds, enum: choices, minimum, maximum }: z.core.JSONSchema.BaseSchema): string {
  if (typeof bounds === 'string') return bounds;
  if (choices) return choices.join(', ');
  return minimum === undefined ? '' : `${minimum} to ${maximum}`;
}

function variableOf(option: string): string {
  const found = Object.entries(environmentTable).find(([, { path }]) => path.join('.') === option);
  return found?.[0] ?? '';
}

function describeUpstream(path: string): OptionDescription[] {
  const description = 'Any target of grpc-js, such as `127.0.0.1:50051`';
  const variable = `${upstreamPrefix}<NAME>`;
  const target = { option: `${path}.target`, description, default: '', bounds: 'required', variable };
  const numbers = Object.entries(upstreamLimits).map(([name, limit]) => ({
    option: `${path}.${name}`,
    description: upstreamDescriptions[name as keyof typeof upstreamLimits], // as: a key of the table
    default: String(limit.default),
    bounds: `${limit.min} to ${limit.max}`,
    variable: '',
  }));
  return [target, ...numbers];
}
