import { describe, expect, it } from 'vitest';
import {
  createMemoryStreamHub,
  type StreamListener,
  type StreamMessage,
} from '../../src/transport/stream-router.ts';
import { shareStreamRouter } from '../../src/transport/variant-stream-router.ts';

const message: StreamMessage = { kind: 'stop', operationId: 'one' };

/** A listener that answers by its name, and keeps what it was told of. */
function listenerOf(status: number) {
  const heard: string[] = [];
  const listener: StreamListener = async (streamId) => {
    heard.push(streamId);
    return { status };
  };
  return { listener, heard };
}

describe('shareStreamRouter()', () => {
  it('keeps the streams of variants apart, even under one name', async () => {
    const routerOf = shareStreamRouter(createMemoryStreamHub().join());
    const [web, mobile] = [listenerOf(201), listenerOf(202)];
    const [webRouter, mobileRouter] = [routerOf('web'), routerOf('mobile')];
    webRouter.on(web.listener);
    mobileRouter.on(mobile.listener);
    expect(await webRouter.claim('stream')).toBe(true);
    expect(await mobileRouter.forward('stream', message)).toBeUndefined();
    expect(await mobileRouter.claim('stream')).toBe(true);
    expect(await mobileRouter.forward('stream', message)).toEqual({ status: 202 });
    expect(await webRouter.forward('stream', message)).toEqual({ status: 201 });
    expect([web.heard, mobile.heard]).toEqual([['stream'], ['stream']]);
    await webRouter.release('stream');
    expect(await webRouter.forward('stream', message)).toBeUndefined();
    expect(await mobileRouter.forward('stream', message)).toEqual({ status: 202 });
  });

  it('answers 404 for a variant that nobody listens for any more', async () => {
    const router = shareStreamRouter(createMemoryStreamHub().join())('web');
    const end = router.on(listenerOf(200).listener);
    await router.claim('stream');
    end();
    expect(await router.forward('stream', message)).toMatchObject({ status: 404 });
  });
});
