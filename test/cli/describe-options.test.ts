import { describe, expect, it } from 'vitest';
import { describeOptions } from '../../src/cli/describe-options.ts';
import { parseConfig } from '../../src/config/config.ts';
import { environmentTable } from '../../src/config/environment.ts';
import { optionSections } from '../../src/config/option-sections.ts';
import { variantOptions, variantSections } from '../../src/config/variant-options.ts';
import { upstreamLimits } from '../../src/upstream/limits.ts';

const rows = describeOptions();

describe('describeOptions()', () => {
  it('has a row for every option, each once', () => {
    const sections = Object.entries(optionSections).flatMap(([section, { shape }]) =>
      Object.keys(shape).map((name) => `${section}.${name}`),
    );
    const numbers = Object.keys(upstreamLimits).map((name) => `upstreams.<name>.${name}`);
    const ofVariants = [...Object.keys(variantOptions.shape), ...Object.keys(variantSections)];
    const variants = ofVariants.map((name) => `variants.<name>.${name}`);
    expect(rows.map(({ option }) => option)).toEqual([
      ...sections,
      ...variants,
      'upstreams.<name>.target',
      ...numbers,
    ]);
  });

  it.each(rows.map((row) => [row.option, row] as const))(
    'describes %s by a sentence, a default or bounds',
    (_option, row) => {
      expect(row.description).toMatch(/^[A-Z].*[^.]$/);
      expect(row.default + row.bounds).not.toBe('');
      expect(Object.values(row).join()).not.toMatch(/undefined|\[object|\n|\|/);
    },
  );

  it('names every variable that replaces an option', () => {
    const variables = rows.map(({ variable }) => variable).filter((variable) => variable !== '');
    expect(variables.sort()).toEqual([...Object.keys(environmentTable), 'WEIR_UPSTREAM_<NAME>'].sort());
  });

  it('shows no secret', () => {
    expect(rows.find(({ option }) => option === 'cursors.secrets')?.default).toBe(
      'one for development, refused in production',
    );
  });

  it('gives bounds that hold', () => {
    const bounded = rows.filter(
      ({ option, bounds }) => option.startsWith('limits.') && bounds.includes(' to '),
    );
    expect(bounded.length).toBeGreaterThan(3);
    for (const { option, bounds } of bounded) {
      const [section = '', name = ''] = option.split('.');
      const [minimum = 0, maximum = 0] = bounds.split(' to ').map(Number);
      const faultsAt = (value: number) =>
        faultsOf({ [section]: { [name]: value } }).filter((line) => line.startsWith(option));
      expect([minimum, maximum].flatMap(faultsAt)).toEqual([]);
      expect([minimum - 1, maximum + 1].flatMap(faultsAt)).toHaveLength(2);
    }
  });
});

function faultsOf(config: object): readonly string[] {
  const parsed = parseConfig(config, {});
  return parsed.ok ? [] : parsed.faults;
}
