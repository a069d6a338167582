import { type ExecutionResult, GraphQLError, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { storedAnswerFrom } from '../../src/idempotency/stored-answer.ts';
import { answerText, replay } from '../../src/operation/replay.ts';

const nodes = parse('mutation { a\n b }').definitions;
const answers: readonly ExecutionResult[] = [
  { data: { b: 1, a: { list: [null, 'x "y" \\ \u2028', 1e21, -0] } } },
  { data: { __proto__: null, constructor: 'x' } },
  {
    errors: [
      new GraphQLError('Two places.', {
        nodes,
        path: ['a', 0, 'b'],
        extensions: { code: 'NOT_FOUND', z: [1] },
      }),
      new GraphQLError('None.', { extensions: { code: 'FORBIDDEN' } }),
    ],
    data: null,
    extensions: { cost: { requestedQueryCost: 10 } },
  },
];

describe('replay()', () => {
  it.each(answers)('gives an answer that is written as it was before: %#', (answer) => {
    const text = answerText(answer);
    const again = replay(storedAnswerFrom(text));
    expect(JSON.stringify(again)).toBe(text);
    for (const error of again.errors ?? []) expect(error).toBeInstanceOf(GraphQLError);
  });

  it('throws for an answer of which only a digest was kept', () => {
    expect(() => replay(storedAnswerFrom(`"${'x'.repeat(300_000)}"`))).toThrow(
      expect.objectContaining({ code: 'IDEMPOTENCY_ANSWER_TOO_LARGE' }),
    );
  });
});
