import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

const PROTOS = fileURLToPath(new URL('../upstream-protos', import.meta.url));

/** Serves grpc.reflection.v1 and v1alpha for some services of upstream-protos/, read from the .proto files themselves. */
export function addReflection(server: Server, services: readonly string[]): void {
  const files = readdirSync(join(PROTOS, 'shop'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.proto'))
    .map((name) => join('shop', name));
  const definition = loadSync(files, { includeDirs: [PROTOS], keepCase: true });
  new ReflectionService(definition, { services: [...services] }).addToServer(server);
}
