import { describe, expect, it } from 'vitest';
import { topicFromOptions } from '../../src/realtime/topic.ts';

describe('topicFromOptions()', () => {
  it('has defaults', () => {
    expect(topicFromOptions({ key: 'a:1', mode: 'log' })).toEqual({
      key: 'a:1',
      mode: 'log',
      audience: 'viewer',
      history: { maxEvents: 1000, maxBytes: 1_048_576, maxAgeMs: 300_000 },
    });
  });

  it('keeps one event of a latest topic, whatever is asked for', () => {
    const { history } = topicFromOptions({ key: 'a', mode: 'latest', history: { maxEvents: 10 } });
    expect(history.maxEvents).toBe(1);
  });

  it.each([
    ['maxEvents', 1, 100_000],
    ['maxBytes', 1, 67_108_864],
    ['maxAgeMs', 1000, 604_800_000],
  ])('takes history.%s from %i to %i', (name, min, max) => {
    const topic = (value: number) => topicFromOptions({ key: 'a', mode: 'log', history: { [name]: value } });
    for (const value of [min, max]) expect(topic(value).history).toMatchObject({ [name]: value });
    for (const value of [min - 1, max + 1, min + 0.5, Number.NaN])
      expect(() => topic(value)).toThrow(RangeError);
  });

  it('takes keys of 1 to 512 well-formed characters', () => {
    const topic = (key: string) => topicFromOptions({ key, mode: 'log' });
    for (const key of ['a', 'a'.repeat(512), '{braces} and\nanything']) expect(topic(key).key).toBe(key);
    for (const key of ['', 'a'.repeat(513), '\ud800']) expect(() => topic(key)).toThrow(RangeError);
  });
});
