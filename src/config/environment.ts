import { isOptions, type Options } from './plain-options.ts';

/** Environment variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variables that replace an option of weir.config.ts: the option's path, and how to read the text. */
export const environmentTable = {
  HOST: { path: ['server', 'host'], read: (text: string) => text },
  PORT: { path: ['server', 'port'], read: readNumber },
  WEIR_TLS_CERT_FILE: { path: ['tls', 'certFile'], read: (text: string) => text },
  WEIR_TLS_KEY_FILE: { path: ['tls', 'keyFile'], read: (text: string) => text },
  ADMIN_PORT: { path: ['server', 'adminPort'], read: readNumber },
  WEIR_CURSOR_SECRETS: { path: ['cursors', 'secrets'], read: (text: string) => text.split(',') },
  REDIS_URL: { path: ['redis', 'url'], read: (text: string) => text },
  WEIR_BUDGET_MODE: { path: ['budget', 'mode'], read: (text: string) => text },
  WEIR_LOG_LEVEL: { path: ['log', 'level'], read: (text: string) => text },
} as const satisfies Readonly<
  Record<string, { path: readonly [string, string]; read: (text: string) => unknown }>
>;

/** What is no number stays text, so that the fault quotes it. */
function readNumber(text: string): unknown {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

const ownPrefix = 'WEIR_';
/** Begins the variables that replace the target of an upstream; its name follows in capitals. */
export const upstreamPrefix = 'WEIR_UPSTREAM_';

/** Variables with our prefix that are for what runs beside the gateway. */
const variablesOfOthers: ReadonlySet<string> = new Set(['WEIR_DATA_DIR']);

/** A configuration with what the environment says in its place; what is not the object that it should be stays as it is, for the table to refuse. */
export function withEnvironment(config: unknown, environment: Environment): unknown {
  if (!isOptions(config)) return config;
  const merged: Options = { ...config };
  for (const [variable, { path, read }] of Object.entries(environmentTable)) {
    const text = environment[variable];
    const [section, option] = path;
    const options = merged[section] ?? {};
    if (text !== undefined && isOptions(options)) merged[section] = { ...options, [option]: read(text) };
  }
  if (isOptions(merged['upstreams'])) merged['upstreams'] = withTargets(merged['upstreams'], environment);
  return merged;
}

function withTargets(upstreams: Options, environment: Environment): Options {
  const entries = Object.entries(upstreams).map(([name, options]) => {
    const target = environment[upstreamPrefix + name.toUpperCase().replaceAll('-', '_')];
    return [name, target === undefined || !isOptions(options) ? options : { ...options, target }];
  });
  return Object.fromEntries(entries);
}

/** What is wrong with the variables that begin as ours do. */
export function variableFaults(upstreams: Options, environment: Environment): string[] {
  const own = Object.keys(environment).filter(
    (variable) => variable.startsWith(ownPrefix) && environment[variable] !== undefined,
  );
  return own.flatMap((variable) => {
    if (Object.hasOwn(environmentTable, variable) || variablesOfOthers.has(variable)) return [];
    if (!variable.startsWith(upstreamPrefix))
      return [`${variable}: unknown variable; see the README for those that there are`];
    const name = variable.slice(upstreamPrefix.length).toLowerCase().replaceAll('_', '-');
    if (Object.hasOwn(upstreams, name)) return [];
    const names = Object.keys(upstreams).join(', ') || 'there is none';
    return [`${variable}: expected the name of an upstream (${names}), got "${name}"`];
  });
}
