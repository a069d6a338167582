import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  validateSchema,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../schema/index.ts';

describe('the schema', () => {
  it('is valid', () => {
    expect(validateSchema(schema)).toEqual([]);
  });

  it('describes every type, field, argument and enum value', () => {
    expect(Object.values(schema.getTypeMap()).flatMap(undescribed)).toEqual([]);
  });

  it('shows nothing of protobuf in the names of enum values', () => {
    const values = Object.values(schema.getTypeMap())
      .filter(isEnumType)
      .filter((type) => !isIntrospectionType(type));
    const names = values.flatMap((type) => type.getValues().map(({ name }) => `${type.name}.${name}`));
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => /UNSPECIFIED|CATEGORY_|_STATE_|_TIER_/.test(name))).toEqual([]);
  });
});

function undescribed(type: GraphQLNamedType): string[] {
  if (isIntrospectionType(type) || isSpecifiedScalarType(type)) return [];
  const own = type.description ? [] : [type.name];
  if (isEnumType(type)) return [...own, ...without(type.name, type.getValues())];
  if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return own;
  const fields = Object.values(type.getFields());
  const args = fields.flatMap((field) =>
    'args' in field ? without(`${type.name}.${field.name}`, field.args) : [],
  );
  return [...own, ...without(type.name, fields), ...args];
}

function without(
  owner: string,
  parts: readonly { name: string; description?: string | null | undefined }[],
): string[] {
  return parts.filter(({ description }) => !description).map(({ name }) => `${owner}.${name}`);
}
