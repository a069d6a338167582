import type {
  EnumValues,
  FieldNullability,
  FieldRequiredness,
  InputFieldMap,
  InputType,
  InterfaceParam,
  ObjectParam,
  RootName,
  SchemaTypes,
  TypeParam,
} from '@pothos/core';
import type { FieldCall, ListSize } from '../guard/cost/weights.ts';
import type { IdempotencyDeclaration } from '../idempotency/declaration.ts';
import type { CacheOption } from './cache-options.ts';
import type { Deprecatable } from './deprecations.ts';
import type { Shown } from './variants.ts';

/** What becomes of a list that is longer than its declared bound: its field fails, or what is beyond is left out. */
export type Overflow = 'error' | 'cut';

/** Sizes of a connection's pages where they differ from the gateway's `pages`, in rows: 1 <= default <= maximum. */
export interface PageSizes {
  readonly default: number;
  readonly maximum: number;
}

/** A loader definition, as far as the calls of a field are concerned; `upstream` and `method` must be there. */
export interface BatchedCall extends Pick<FieldCall, 'keys' | 'call' | 'perKey'> {
  readonly name: string;
  readonly maxBatchSize: number;
  readonly upstream?: string | undefined;
  readonly method?: string | undefined;
}

/** An RPC that a resolver makes: one for each object, or the loader that batches them. */
export type CallOption = FieldCall | BatchedCall;

/** What may be said of a schema element: who sees it, and its price, IBM's `@cost(weight:)`, any finite number of points. */
interface Weighed extends Shown {
  readonly cost?: number;
}

declare global {
  // biome-ignore lint/style/noNamespace: Pothos plugins extend its options by merging into this namespace.
  export namespace PothosSchemaTypes {
    export interface ObjectTypeOptions<Types extends SchemaTypes, Shape> extends Weighed {
      /** For the fields that say nothing of it themselves: see {@link FieldOptions}. */
      cache?: CacheOption;
      /**
       * The rows of this type are upstream messages that are read with a read mask: every field then either exposes a
       * member or says what it `needs`. Default false.
       */
      masked?: boolean;
    }
    export interface RootTypeOptions<Types extends SchemaTypes, Type extends RootName> extends Weighed {}
    export interface EnumTypeOptions<Types extends SchemaTypes, Values extends EnumValues<Types>>
      extends Weighed {}
    export interface EnumValueConfig<Types extends SchemaTypes> extends Deprecatable, Shown {}
    export interface InterfaceTypeOptions<
      Types extends SchemaTypes,
      Shape,
      Interfaces extends InterfaceParam<Types>[],
      ResolveType,
    > extends Shown {}
    export interface UnionTypeOptions<
      Types extends SchemaTypes,
      Member extends ObjectParam<Types>,
      ResolveType,
    > extends Shown {}
    export interface InputObjectTypeOptions<Types extends SchemaTypes, Fields extends InputFieldMap>
      extends Shown {}
    export interface ScalarTypeOptions<Types extends SchemaTypes, ScalarInputShape, ScalarOutputShape>
      extends Weighed {}
    export interface InputFieldOptions<
      Types extends SchemaTypes,
      Type extends InputType<Types> | [InputType<Types>],
      Req extends FieldRequiredness<Type>,
    > extends Weighed,
        Deprecatable {}
    export interface FieldOptions<
      Types extends SchemaTypes = SchemaTypes,
      ParentShape = unknown,
      Type extends TypeParam<Types> = TypeParam<Types>,
      Nullable extends FieldNullability<Type> = FieldNullability<Type>,
      Args extends InputFieldMap = InputFieldMap,
      ResolveShape = unknown,
      ResolveReturnShape = unknown,
    > extends Weighed,
        Deprecatable {
      /** Paths of the upstream message that the resolver reads (google.protobuf.FieldMask); `[]` for none. */
      needs?: readonly string[];
      /** How long the list is at most: IBM's `@listSize`. A connection has its own; any other list must have one. */
      listSize?: ListSize;
      /** Page sizes of a connection. Default: the gateway's `pages`. */
      pageSize?: PageSizes;
      /** What becomes of a list that is longer than declared. Default `error`. */
      overflow?: Overflow;
      /** The RPCs that resolving the field makes, for the price of an operation's calls. Default none. */
      calls?: readonly CallOption[];
      /**
       * Of a field of the mutation: whether it is done only with an idempotency key, or takes one. Either says that what
       * is behind it takes a key once: its resolver hands `context.idempotencyKey` on. Default: neither.
       */
      idempotency?: IdempotencyDeclaration;
      /**
       * How long an answer with this field may be kept, and by whom; 'parent': as long as what it is in. The strictest
       * of an answer counts, and nothing with a field of which nobody says anything is kept. What has `authScopes`, or is in
       * a type that has, is private. Default: that of the object type.
       */
      cache?: CacheOption;
    }
  }
}
