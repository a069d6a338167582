import { StartError } from '../gateway.ts';

/** What is to be revoked, as `weir revoke` is given it, and where. */
export interface RevokeWords {
  readonly subject?: string | undefined;
  readonly tenant?: string | undefined;
  readonly client?: string | undefined;
  /** URL of the admin port of one instance; the others hear of it. */
  readonly admin: string;
}

/** Redis has two seconds to take it. */
const timeoutMs = 5000;

/** Revokes at a gateway that runs, and says what is refused from now on. Throws {@link StartError} where it is not. */
export async function revoke({ subject, tenant, client, admin }: RevokeWords): Promise<string> {
  const filter = { subject, tenant, client };
  if (Object.values(filter).every((name) => name === undefined))
    throw new StartError(['revoke: expected at least one of --subject, --tenant and --client']);
  const url = URL.canParse('/revocations', admin) ? new URL('/revocations', admin) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new StartError([`--admin: expected a URL such as http://127.0.0.1:4001, got "${admin}"`]);
  const { status, text } = await post(url, JSON.stringify(filter));
  const answer = jsonFrom(text);
  const { atSeconds, untilSeconds, error } = answer;
  if (status === 201 && typeof atSeconds === 'number' && typeof untilSeconds === 'number')
    return `revoked ${shown(filter)}: tokens issued up to ${timeOf(atSeconds)} are refused (kept until ${timeOf(untilSeconds)})`;
  const said = messageIn(error) ?? `no admin port of a gateway answers there`;
  throw new StartError([`revoke: ${url.origin} answered ${status}: ${said}`]);
}

async function post(url: URL, body: string): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    throw new StartError(
      [
        `revoke: ${url.origin} does not answer (${faultOf(cause)}): expected --admin with the admin port of an instance`,
      ],
      { cause },
    );
  }
}

/** `fetch` hides what happened behind "fetch failed". */
function faultOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { cause } = thrown;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return thrown.message;
}

function jsonFrom(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function messageIn(error: unknown): string | undefined {
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  return isError ? String(error.message) : undefined;
}

function shown(filter: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(filter).filter(([, name]) => name !== undefined);
  return given.map(([member, name]) => `${member} ${name}`).join(', ');
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
