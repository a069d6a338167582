import { printSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type Builder, build } from './tiny-builder.ts';

const deprecated = { reason: 'Use another.', since: '2026-11-01', removal: '2027-03-01' } as const;
const directive =
  '@deprecated(reason: "Use another. Deprecated since 2026-11-01. Removed after 2027-03-01.")';

describe('a deprecation', () => {
  it('stands in the schema with its dates, on fields, arguments, input fields and values of enums', () => {
    const sdl = printSchema(
      build((builder) => {
        const Color = builder.enumType('Color', { values: { RED: { deprecated }, BLUE: {} } });
        const Paint = builder.inputType('Paint', { fields: (t) => ({ gloss: t.int({ deprecated }) }) });
        builder.interfaceRef<object>('Named').implement({
          fields: (t) => ({ name: t.string({ deprecated, resolve: () => '' }) }),
        });
        builder.queryFields((t) => ({
          color: t.field({
            type: Color,
            deprecated,
            args: { paint: t.arg({ type: Paint, deprecated }) },
            resolve: () => null,
          }),
        }));
      }),
    );
    expect(
      sdl
        .split('\n')
        .filter((line) => line.includes('@deprecated'))
        .map((line) => line.trim()),
    ).toEqual(
      [
        `color(paint: Paint ${directive}): Color ${directive}`,
        `RED ${directive}`,
        `gloss: Int ${directive}`,
        `name: String ${directive}`,
      ].sort((a, b) => sdl.indexOf(a) - sdl.indexOf(b)),
    );
  });

  it('takes a reason that has its dates', () => {
    const deprecationReason = 'Deprecated since 2026-11-01, removed after 2027-03-01: use another.';
    expect(() => build(field({ deprecationReason: `Old. ${deprecationReason}` }))).not.toThrow();
  });

  it.each([
    [
      { deprecationReason: 'Use another.' },
      [
        /^Query.old: expected "since" to be a day such as 2027-03-01, got none\. Write deprecated: \{/,
        /^Query.old: expected "removal" to be a day/,
      ],
    ],
    [
      { deprecated: { ...deprecated, removal: '2027-02-30' } },
      [/^Query.old: expected "removal" to be a day .*, got 2027-02-30/],
    ],
    [
      { deprecated: { ...deprecated, removal: '2026-10-31' } },
      [/^Query.old: expected "removal" to be no earlier than "since"/],
    ],
    [{ deprecated: { ...deprecated, reason: '' } }, [/^Query.old: expected a "reason"/]],
  ])('stops the build of a schema with %j', (options, lines) => {
    expect(linesOf(field(options))).toEqual(lines.map((line) => expect.stringMatching(line)));
  });

  it('names every element that is wrong', () => {
    const bad = { ...deprecated, removal: '' };
    const lines = linesOf((builder) => {
      builder.enumType('Color', { values: { RED: { deprecated: bad } } });
      builder.inputType('Paint', {
        fields: (t) => ({
          gloss: t.int({ deprecated: bad }),
          must: t.int({ required: true, deprecated }),
          may: t.int({ required: true, defaultValue: 1, deprecated }),
        }),
      });
      builder.queryFields((t) => ({
        old: t.int({ args: { must: t.arg.int({ required: true, deprecated }) }, resolve: () => 1 }),
      }));
    });
    expect(lines).toEqual([
      expect.stringMatching(/Color.RED: expected "removal"/),
      expect.stringMatching(/^Paint.gloss: expected "removal"/),
      expect.stringMatching(/^Paint.must: expected it to be optional/),
      expect.stringMatching(/^Query.old\(must:\): expected it to be optional/),
    ]);
  });
});

function field(options: object): (builder: Builder) => void {
  return (builder) => builder.queryFields((t) => ({ old: t.int({ ...options, resolve: () => 1 }) }));
}

function linesOf(define: (builder: Builder) => void): readonly string[] {
  try {
    build(define);
  } catch (thrown) {
    return String(thrown).split('\n');
  }
  return [];
}
