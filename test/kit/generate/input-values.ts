import {
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
} from 'graphql';
import type { Draw } from './draw.ts';

/** Draws one value, as JSON: an enum value is its name. Never null: the generator itself draws null and leaves out. */
export type ValueSource = (draw: Draw) => unknown;

/**
 * Value sources by schema coordinate (https://spec.graphql.org/draft/#sec-Schema-Coordinates) of an argument
 * (`Query.thing(id:)`) or input field (`ThingFilter.size`), else by the name of a leaf type (`ID`, `Decimal`).
 */
export type ValueSources = Readonly<Record<string, ValueSource>>;

/** Marks what is left out; JSON has no such value. */
export const omitted = undefined;

const words = ['the', 'Blue', 'ä', '100%', '', 'a "quoted" word', '\\', 'two\nlines', '日本'];

const standardSources: ValueSources = {
  Int: (draw) => draw.pick([0, 1, -1, draw.between(-1000, 1000), 2 ** 31 - 1, -(2 ** 31)]),
  Float: (draw) => draw.pick([0, 1.5, -2, draw.between(-1000, 1000) / 8, 1e21]),
  String: (draw) => draw.pick(words),
  Boolean: (draw) => draw.chance(0.5),
  ID: (draw) => draw.pick(['1', 2, 'id-3']),
};

const maxListLength = 3;
/** Below this depth input objects leave out all that they may. */
const maxInputDepth = 3;

/** What an argument or input field takes. */
export interface InputPlace {
  readonly coordinate: string;
  readonly type: GraphQLInputType;
  readonly isRequired: boolean;
  readonly depth?: number;
}

/** A value for a place, {@link omitted} or null where the schema lets it. */
export function drawInput(draw: Draw, sources: ValueSources, place: InputPlace): unknown {
  const { type, isRequired, coordinate, depth = 0 } = place;
  if (!isRequired && (depth > maxInputDepth || draw.chance(0.4))) return omitted;
  if (!isNonNullType(type) && draw.chance(0.06)) return null;
  const source = sources[coordinate];
  return source ? source(draw) : drawOfType(draw, sources, type, depth);
}

function drawOfType(draw: Draw, sources: ValueSources, given: GraphQLInputType, depth: number): unknown {
  const type = getNullableType(given);
  if (isListType(type)) {
    const length = draw.between(0, maxListLength);
    return Array.from({ length }, () => {
      const isNull = !isNonNullType(type.ofType) && draw.chance(0.06);
      return isNull ? null : drawOfType(draw, sources, type.ofType, depth);
    });
  }
  if (isInputObjectType(type)) return drawObject(draw, sources, type, depth);
  const source = sources[type.name] ?? standardSources[type.name];
  if (source) return source(draw);
  if (isEnumType(type)) return draw.pick(type.getValues()).name;
  throw new TypeError(
    `Expected a value source for the scalar ${type.name}, got none. Give sources.${type.name}.`,
  );
}

function drawObject(draw: Draw, sources: ValueSources, type: GraphQLInputObjectType, depth: number): unknown {
  const fields = Object.values(type.getFields());
  const drawField = (field: GraphQLInputField, isRequired: boolean) => {
    const place = {
      coordinate: `${type.name}.${field.name}`,
      type: field.type,
      isRequired,
      depth: depth + 1,
    };
    return drawInput(draw, sources, place);
  };
  if (!type.isOneOf) return objectOf(fields, (field) => drawField(field, isRequiredInputField(field)));
  const chosen = draw.pick(fields);
  const source = sources[`${type.name}.${chosen.name}`];
  return { [chosen.name]: source ? source(draw) : drawOfType(draw, sources, chosen.type, depth + 1) };
}

function objectOf(fields: readonly GraphQLInputField[], draw: (field: GraphQLInputField) => unknown) {
  const entries = fields.map((field) => [field.name, draw(field)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== omitted));
}
