import { PothosSchemaError } from '@pothos/core';
import {
  type GraphQLSchema,
  isArgument,
  isInputField,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { elementsOf, type SchemaElement } from '../deprecation/elements.ts';
import { type Deprecation, reasonFaults, reasonFrom } from '../deprecation/reason.ts';

/** Options of what may be on its way out. */
export interface Deprecatable {
  /** That it is to be removed, since when and from when on. Goes before `deprecationReason`, which must have the dates too. */
  readonly deprecated?: Deprecation | undefined;
}

/** A config whose `deprecated` option has become its reason, with the dates; the same one where there is none. */
export function withDeprecation<Config extends object>(config: Config, options: object): Config {
  const { deprecated }: Deprecatable = options;
  return deprecated === undefined ? config : { ...config, deprecationReason: reasonFrom(deprecated) };
}

/**
 * Throws PothosSchemaError with a line for each element that is deprecated without a good date, or that must be given:
 * clients could not leave it out (GraphQL specification, section 3.13.3).
 */
export function assertDeprecations(schema: GraphQLSchema): void {
  const faults = elementsOf(schema).flatMap((element) => {
    const { deprecationReason } = element;
    if (typeof deprecationReason !== 'string') return [];
    const own = reasonFaults(deprecationReason);
    return (mustBeGiven(element) ? [...own, 'expected it to be optional'] : own).map(
      (fault) =>
        `${element}: ${fault}. Write deprecated: { reason: 'Use …', since: '2026-11-01', removal: '2027-03-01' }.`,
    );
  });
  if (faults.length > 0) throw new PothosSchemaError(faults.join('\n'));
}

function mustBeGiven(element: SchemaElement): boolean {
  if (isArgument(element)) return isRequiredArgument(element);
  return isInputField(element) && isRequiredInputField(element);
}
