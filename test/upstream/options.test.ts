import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { type UpstreamNumbers, upstreamLimits } from '../../src/upstream/limits.ts';
import { upstreamFaults, upstreamNumbers } from '../../src/upstream/options.ts';
import { channelOptionsFrom, serviceConfigFrom } from '../../src/upstream/service-config.ts';
import { createUpstream } from '../../src/upstream/upstream.ts';

const base = { name: 'probe', target: '127.0.0.1:1', clock: systemClock };

describe('upstreamFaults()', () => {
  it.each(Object.entries(upstreamLimits))(
    'takes %s at its bounds and refuses it just outside',
    (option, limit) => {
      // One bound at a time, and the partner of an ordered pair out of the way.
      const partners = { reconnectMaxMs: 120_000, retryMaxMs: 60_000, ejectionMaxMs: 3_600_000 };
      const lows = { reconnectInitialMs: 100, retryInitialMs: 1, ejectionBaseMs: 100 };
      const faultsWith = (value: number) =>
        upstreamFaults({ ...base, ...partners, ...lows, [option]: value });
      const step = limit.whole ? 1 : 0.0001;
      expect([limit.min, limit.max, limit.default].map(faultsWith)).toEqual([[], [], []]);
      for (const value of [limit.min - step, limit.max + step, Number.NaN, '1' as unknown as number]) {
        expect(faultsWith(value)[0]).toContain(`upstream "probe": ${option} must be a`);
      }
      if (limit.whole) expect(faultsWith(limit.min + 0.5)).toHaveLength(1);
    },
  );

  it.each([
    'timeout',
    'waitForReady',
    'maxRequestBytes',
    'maxResponseBytes',
    'signal',
    'serviceConfig',
    'channelOptions',
  ])('refuses %s, which grpc-js would ignore or misread, and says what to use', (option) => {
    const [fault] = upstreamFaults({ ...base, [option]: '0.5s' });
    expect(fault).toMatch(new RegExp(`^upstream "probe": ${option} is not an option: .{20,}$`));
  });

  it('refuses an unknown option, a bad path, a missing target and limits the wrong way round, one line each', () => {
    const options = {
      ...base,
      target: '',
      chanels: 2,
      idempotentMethods: [{ path: 'Service.Method' }, { path: '/a.v1.S/M' }],
      retryInitialMs: 2_000,
    };
    expect(upstreamFaults(options)).toEqual([
      'upstream "probe": target must be a non-empty string',
      'upstream "probe": chanels is not an option',
      'upstream "probe": idempotentMethods must hold paths like /package.Service/Method, got Service.Method',
      'upstream "probe": retryInitialMs (2000) must not be above retryMaxMs (1000)',
    ]);
  });
});

describe('createUpstream()', () => {
  it('throws every fault at once when the options are not right', () => {
    const options = { ...base, timeout: '0.5s', channels: 0 };
    expect(() => createUpstream(options)).toThrow(
      /timeout is not an option.*\n.*channels must be a whole number from 1 to 16, got 0/,
    );
  });
});

describe('serviceConfigFrom()', () => {
  const numbers: UpstreamNumbers = upstreamNumbers(base);

  it('retries idempotent methods alone, on UNAVAILABLE alone, and ejects outliers', () => {
    expect(serviceConfigFrom(numbers, ['/a.v1.S/Get', '/a.v1.S/Get', '/b.v1.T/List'])).toEqual({
      loadBalancingConfig: [
        {
          outlier_detection: {
            interval: { seconds: 5, nanos: 0 },
            base_ejection_time: { seconds: 15, nanos: 0 },
            max_ejection_time: { seconds: 300, nanos: 0 },
            max_ejection_percent: 50,
            failure_percentage_ejection: {
              threshold: 50,
              enforcement_percentage: 100,
              minimum_hosts: 3,
              request_volume: 20,
            },
            child_policy: [{ round_robin: {} }],
          },
        },
      ],
      methodConfig: [
        {
          name: [
            { service: 'a.v1.S', method: 'Get' },
            { service: 'b.v1.T', method: 'List' },
          ],
          retryPolicy: {
            maxAttempts: 3,
            initialBackoff: '0.05s',
            maxBackoff: '1s',
            backoffMultiplier: 2,
            retryableStatusCodes: ['UNAVAILABLE'],
          },
        },
      ],
      retryThrottling: { maxTokens: 10, tokenRatio: 0.1 },
    });
  });

  it('has no retries when no method is idempotent, or one attempt is all', () => {
    expect(serviceConfigFrom(numbers, [])).toMatchObject({ methodConfig: [] });
    expect(serviceConfigFrom({ ...numbers, retryAttempts: 1 }, ['/a.v1.S/Get'])).toMatchObject({
      methodConfig: [],
    });
  });
});

describe('channelOptionsFrom()', () => {
  it('turns off DNS configuration, proxies and channelz, and shares no connection', () => {
    expect(channelOptionsFrom(upstreamNumbers(base), [])).toMatchObject({
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_http_proxy': 0,
      'grpc.enable_channelz': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 5_000,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 5_000,
      'grpc.max_send_message_length': 4_194_304,
      'grpc.max_receive_message_length': 4_194_304,
    });
  });
});
