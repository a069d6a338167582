// Clients of a feed that vanish with the network that they are in: `far-clients.ts URL COUNT`, of each transport.
import { openSubscriber } from '../../test/kit/events/raw-subscriber.ts';

const [address = '', count = '1'] = process.argv.slice(2);
const url = new URL(address);
for (const transport of ['ws', 'sse'] as const)
  for (let opened = 0; opened < Number(count); opened += 1)
    await openSubscriber({ transport, url, query: 'subscription { log { number } }', onData: () => {} });
console.log(`ready on ${address}`);
process.once('disconnect', () => process.exit(0));
