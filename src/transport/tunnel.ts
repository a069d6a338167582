import { type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/** Whether a request is for a tunnel or for the server as a whole (RFC 9112 sections 3.2.3 and 3.2.4): neither is served. */
export function isOfNoAddress(method: string | undefined, url: string): boolean {
  return method === 'CONNECT' || url === '*';
}

/**
 * What a `CONNECT` is answered with. Over HTTP/2 Node gives an answer; over HTTP/1.1 it leaves the connection to us, which
 * ends with the answer.
 */
export function answerTo(request: IncomingMessage, channel: Socket | ServerResponse): ServerResponse {
  if (!(channel instanceof Socket)) return channel;
  channel.on('error', () => {}); // a peer that is gone needs no answer
  const response = new ServerResponse(request);
  response.assignSocket(channel);
  response.once('finish', () => channel.destroySoon());
  return response;
}
