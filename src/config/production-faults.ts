import { plainTextFault } from '../upstream/plain-text.ts';
import { developmentSecret } from './option-sections.ts';
import { isOptions, type Options, optionsOf } from './plain-options.ts';
import { serverFaults } from './server-options.ts';
import type { UpstreamConfig } from './upstreams.ts';

/** What is good enough for a developer's machine alone; keys and introspection are looked at with what else they are. */
export function productionFaults(config: Options): string[] {
  const { cursors, server, upstreams } = config;
  return [
    ...secretFaults(optionsOf(cursors)),
    ...serverFaults(optionsOf(server)),
    ...Object.entries(optionsOf(upstreams)).flatMap(([name, options]) => {
      if (!isOptions(options) || typeof options['target'] !== 'string' || options['target'] === '') return [];
      const upstream = options as unknown as UpstreamConfig; // as: upstreamFaults looks at the rest
      return plainTextFault({ ...upstream, name }) ?? [];
    }),
  ];
}

function secretFaults({ secrets = [developmentSecret] }: Options): string[] {
  if (!Array.isArray(secrets) || !secrets.includes(developmentSecret)) return [];
  return [
    'cursors.secrets: expected secrets of your own in production (WEIR_CURSOR_SECRETS), got the development one',
  ];
}
