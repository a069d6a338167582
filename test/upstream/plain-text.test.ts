import { credentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { plainTextFault } from '../../src/upstream/plain-text.ts';

describe('plainTextFault()', () => {
  it.each([
    '127.0.0.1:50051',
    '127.255.255.255',
    'localhost',
    'LOCALHOST:1',
    '[::1]:50051',
    '::1',
    'dns:localhost:1',
    'dns:///localhost:1',
    'dns://192.0.2.1/localhost:1',
    'ipv4:127.0.0.1:1,127.0.0.2:1',
    'ipv6:[::1]:1',
    'unix:/run/books.sock',
    'unix:///run/books.sock',
    'unix:books.sock',
  ])('takes plain text to %s, which is this machine', (target) => {
    expect(plainTextFault({ name: 'library', target })).toBeUndefined();
  });

  it.each([
    '126.255.255.255:1',
    '128.0.0.1:1',
    '0.0.0.0:1',
    '[::2]:1',
    '::',
    'books:50051',
    'localhost.books.example:1',
    'books.localhost.example',
    'dns:///books.example:443',
    'dns://localhost/books.example',
    'ipv4:127.0.0.1:1,192.0.2.1:1',
    'xds:///localhost',
    '127.0.0.1.books.example:1',
    ':1',
  ])('refuses plain text to %s unless it is meant', (target) => {
    expect(plainTextFault({ name: 'library', target })).toMatch(
      /^upstreams\.library\.credentials: expected secure ones in production/,
    );
    const insecure = credentials.createInsecure();
    expect(plainTextFault({ name: 'library', target, credentials: insecure })).toBeDefined();
    expect(plainTextFault({ name: 'library', target, insecure: false })).toBeDefined();
    expect(plainTextFault({ name: 'library', target, insecure: true })).toBeUndefined();
    expect(plainTextFault({ name: 'library', target, credentials: credentials.createSsl() })).toBeUndefined();
  });
});
