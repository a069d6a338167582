import { describe, expect, it } from 'vitest';
import { createVariantRoutes, type VariantRoute } from '../../src/transport/variant-routes.ts';

interface Named extends VariantRoute {
  readonly name: string;
}

function named(name: string, route: Partial<VariantRoute> = {}): Named {
  return { name, paths: ['/graphql'], hosts: [], header: undefined, ...route };
}

const app = (value: string) => ({ name: 'x-app', value });

describe('createVariantRoutes()', () => {
  it('leads to a variant by each of its paths, and to its event streams behind them', () => {
    const route = createVariantRoutes([
      named('web', { paths: ['/graphql', '/web/graphql'] }),
      named('mobile', { paths: ['/mobile/graphql'] }),
    ]);
    const routed = (path: string) => route(path, {}, 'a');
    expect(routed('/graphql')).toMatchObject({ served: { name: 'web' }, path: '/graphql', isStream: false });
    expect(routed('/web/graphql')).toMatchObject({ served: { name: 'web' }, path: '/web/graphql' });
    expect(routed('/mobile/graphql/stream')).toMatchObject({
      served: { name: 'mobile' },
      path: '/mobile/graphql',
      isStream: true,
    });
    for (const path of ['', '/', '/mobile', '/graphql/', '/GraphQL', '/graphql/stream/', '/__proto__'])
      expect(routed(path), path).toBeUndefined();
  });

  it('prefers the variant that says most of a request, in whatever order they are listed', () => {
    const all = [
      named('any'),
      named('header', { header: app('phone') }),
      named('host', { hosts: ['m.example.com'] }),
      named('both', { hosts: ['m.example.com'], header: app('phone') }),
    ];
    const cases = [
      ['', {}, 'any'],
      ['www.example.com', {}, 'any'],
      ['www.example.com', { 'x-app': 'phone' }, 'header'],
      ['m.example.com', { 'x-app': 'desk' }, 'host'],
      ['m.example.com', { 'x-app': 'phone' }, 'both'],
    ] as const;
    for (const listed of [all, all.toReversed()])
      for (const [host, headers, name] of cases)
        expect(createVariantRoutes(listed)('/graphql', headers, host)?.served.name).toBe(name);
  });

  it.each(['m.example.com', 'm.example.com:8443', 'M.Example.COM'])('reads the host %s', (host) => {
    const route = createVariantRoutes([named('host', { hosts: ['m.example.com'] })]);
    expect(route('/graphql', {}, host)?.served.name).toBe('host');
  });

  it.each(['m.example.com.evil.test', 'evil-m.example.com', '', 'm.example.com:80:80'])(
    'takes the host %j for another',
    (host) => {
      const route = createVariantRoutes([named('host', { hosts: ['m.example.com'] })]);
      expect(route('/graphql', {}, host)).toBeUndefined();
    },
  );

  it('takes an IPv6 address for a host', () => {
    const route = createVariantRoutes([named('host', { hosts: ['[::1]'] })]);
    expect(route('/graphql', {}, '[::1]:4000')?.served.name).toBe('host');
  });

  it('says which headers decide at a path, whoever has the request', () => {
    const route = createVariantRoutes([
      named('any'),
      named('phone', { header: app('phone') }),
      named('watch', { header: app('watch') }),
      named('alone', { paths: ['/alone'] }),
    ]);
    expect(route('/graphql', {}, 'a')?.vary).toEqual(['x-app']);
    expect(route('/graphql', { 'x-app': 'watch' }, 'a')?.vary).toEqual(['x-app']);
    expect(route('/alone', {}, 'a')?.vary).toEqual([]);
  });

  it('leads a preflight, whose headers are those of another request, by path and host alone', () => {
    const route = createVariantRoutes([
      named('phone', { header: app('phone') }),
      named('host', { paths: ['/hosted'], hosts: ['m.example.com'], header: app('phone') }),
    ]);
    expect(route('/graphql', undefined, 'a')?.served.name).toBe('phone');
    expect(route('/graphql/stream', undefined, 'a')).toMatchObject({ isStream: true });
    expect(route('/hosted', undefined, 'm.example.com')?.served.name).toBe('host');
    expect(route('/hosted', undefined, 'a')).toBeUndefined();
    expect(route('/nothing', undefined, 'a')).toBeUndefined();
  });
});
