// What Node can do at most: one frame made once and written to every socket, with no GraphQL and no queue.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const sockets = new Set<Socket>();
/** As many bytes as Weir writes for the same event, which has a cursor. */
const extensions = `{"cursor":"${'c'.repeat(49)}"}`;
const data = `{"log":{"number":1,"text":"${'^'.padEnd(80, 'x')}"}}`;
const frame = frameOf(`{"type":"next","payload":{"data":${data},"extensions":${extensions}},"id":"1"}`);
let executions = 0;

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    const isPublication = request.headers['content-length'] !== '26';
    if (isPublication) {
      executions += 1;
      for (const socket of sockets) socket.write(frame);
    }
    const body = JSON.stringify({ data: { executions, publish: 1 } });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  });
});
server.on('upgrade', (request, socket: Socket) => {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let hasInit = false;
  socket.on('data', () => {
    if (hasInit) sockets.add(socket);
    else socket.write(frameOf('{"type":"connection_ack"}'));
    hasInit = true;
  });
  socket.on('error', () => {});
  socket.once('close', () => sockets.delete(socket));
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
  console.log(`ready on http://127.0.0.1:${port}/graphql`);
});

/** One text message as a frame of a server (RFC 6455 section 5.2), below 64 KiB. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const head = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}
