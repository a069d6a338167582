import { describe, expect, it } from 'vitest';
import { parseAnswer } from '../../bench/harness/http-answer.ts';

const forms = {
  'Content-Length': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  chunks: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
};

describe('parseAnswer()', () => {
  for (const [form, text] of Object.entries(forms)) {
    it(`gives status and body when all of an answer with ${form} is there, and null before`, () => {
      for (let length = 0; length < text.length; length += 1) {
        expect(parseAnswer(Buffer.from(text.slice(0, length))), text.slice(0, length)).toBeNull();
      }
      const answer = parseAnswer(Buffer.from(text));
      expect(answer?.status).toBe(200);
      expect(answer?.body.toString()).toBe('hello');
    });
  }

  it('throws when an answer has no length', () => {
    expect(() => parseAnswer(Buffer.from('HTTP/1.1 200 OK\r\n\r\n'))).toThrow('without a length');
  });
});
