/** The value names of a protobuf enum without their prefix and without UNSPECIFIED. */
type Names<Enum, Prefix extends string> = keyof Enum extends infer Name
  ? Name extends `${Prefix}${infer Short}`
    ? Exclude<Short, 'UNSPECIFIED'>
    : never
  : never;

/** The values of a GraphQL enum: what Pothos' `builder.enumType` takes. */
type Values<Enum, Prefix extends string> = Readonly<
  Record<
    Names<Enum, Prefix>,
    { readonly value: Extract<Enum[keyof Enum], number>; readonly description: string }
  >
>;

/**
 * The GraphQL values of a protobuf enum, one for each of its names: `CATEGORY_BOOKS` becomes `BOOKS`. A name without a
 * description, or a description without a name, does not compile.
 */
export function enumValues<const Enum extends Readonly<Record<string, number>>, const Prefix extends string>(
  protoEnum: Enum,
  prefix: Prefix,
  descriptions: Readonly<Record<Names<Enum, Prefix>, string>>,
): Values<Enum, Prefix> {
  const entries = Object.entries<string>(descriptions).map(([name, description]) => [
    name,
    { value: protoEnum[`${prefix}${name}`], description },
  ]);
  return Object.fromEntries(entries) as Values<Enum, Prefix>; // as: fromEntries forgets the names it was given
}

/** An upstream's enum value as GraphQL knows it: null for UNSPECIFIED, and for values newer than this schema. */
export function knownValue<Enum extends number>(
  values: Readonly<Record<string, { readonly value: Enum }>>,
  value: Enum,
): Enum | null {
  return Object.values(values).some((known) => known.value === value) ? value : null;
}
