import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.ts';

/** Resolves when a timer of `delayMs` fires. */
const fired = (delayMs: number) => new Promise<void>((resolve) => systemClock.after(delayMs, resolve));

describe('systemClock.nowMs()', () => {
  it('never goes back', () => {
    const readings = Array.from({ length: 1000 }, () => systemClock.nowMs());
    expect(readings).toEqual(readings.toSorted((a, b) => a - b));
  });
});

describe('systemClock.wallMs()', () => {
  it('is the time since the epoch', () => {
    const before = Date.now();
    const wallMs = systemClock.wallMs();
    expect(wallMs).toBeGreaterThanOrEqual(before);
    expect(wallMs).toBeLessThanOrEqual(Date.now());
  });
});

describe('systemClock.after()', () => {
  it('fires once and not early when its time has come', async () => {
    const startMs = systemClock.nowMs();
    let times = 0;
    systemClock.after(10, () => {
      times += 1;
    });
    await fired(20);
    expect(times).toBe(1);
    expect(systemClock.nowMs() - startMs).toBeGreaterThanOrEqual(18);
  });

  it('does not fire when it was cancelled, and cancelling again does nothing', async () => {
    let times = 0;
    const cancel = systemClock.after(1, () => {
      times += 1;
    });
    cancel();
    cancel();
    await fired(10);
    expect(times).toBe(0);
  });

  it('lets the process end when a timer is pending', async () => {
    const clock = fileURLToPath(new URL('../src/clock.ts', import.meta.url));
    const script = `
      const { systemClock } = await import(${JSON.stringify(clock)});
      systemClock.after(600_000, () => {});
      console.log('done');
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 20_000,
    });
    expect(stdout).toBe('done\n');
  });
});
