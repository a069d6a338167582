import type { Principal } from './principal.ts';
import { filterFromKey, keyFromFilter, type RevocationFilter } from './revocation.ts';

/** What a look-up reads of a principal. */
export type Revocable = Pick<Principal, 'subject' | 'tenant' | 'client' | 'issuedAtMs'>;

/** Revocations in force, each filter once, with the latest second at which it was made. */
export interface RevocationList {
  /** Takes one up by the key of its filter; false when it is there already, as late or later, or the key is none. */
  readonly note: (key: string, atSeconds: number) => boolean;
  /** Whether one of them refuses this principal's token; the anonymous have none. At most seven look-ups, whatever it holds. */
  readonly refuses: (principal: Revocable) => boolean;
  /** Forgets what was made before `seconds`. */
  readonly forget: (seconds: number) => void;
  /** When each was made, by the key of its filter. */
  readonly entries: ReadonlyMap<string, number>;
}

/** Which members a filter names: where it has null, so has its shape. */
type Shape = Readonly<Record<keyof RevocationFilter, boolean>>;

/** An empty list. It has no bound of its own: who notes has. */
export function createRevocationList(): RevocationList {
  const entries = new Map<string, number>();
  /** Shapes of the filters that are there, by their bits: at most seven. */
  const shapes = new Map<number, Shape>();
  const addShape = (filter: RevocationFilter) => {
    const shape = {
      subject: filter.subject !== null,
      tenant: filter.tenant !== null,
      client: filter.client !== null,
    };
    shapes.set(Number(shape.subject) + 2 * Number(shape.tenant) + 4 * Number(shape.client), shape);
  };
  return {
    entries,
    note: (key, atSeconds) => {
      if ((entries.get(key) ?? Number.NEGATIVE_INFINITY) >= atSeconds) return false;
      const filter = filterFromKey(key);
      if (filter === undefined) return false;
      entries.set(key, atSeconds);
      addShape(filter);
      return true;
    },
    refuses: ({ subject, tenant, client, issuedAtMs }) => {
      for (const shape of shapes.values()) {
        // A principal without a member that the shape names has the key of a wider filter, which meets it as well.
        const key = keyFromFilter({
          subject: shape.subject ? subject : null,
          tenant: shape.tenant ? tenant : null,
          client: shape.client ? client : null,
        });
        const atSeconds = entries.get(key);
        if (atSeconds !== undefined && !isIssuedAfter(issuedAtMs, atSeconds)) return true;
      }
      return false;
    },
    forget: (seconds) => {
      const before = entries.size;
      for (const [key, atSeconds] of entries) if (atSeconds < seconds) entries.delete(key);
      if (entries.size === before) return;
      shapes.clear();
      for (const key of entries.keys()) {
        const filter = filterFromKey(key);
        if (filter) addShape(filter);
      }
    },
  };
}

/** A revocation has whole seconds: what was issued within its second is refused. A token that does not say is old. */
function isIssuedAfter(issuedAtMs: number | null, atSeconds: number): boolean {
  return issuedAtMs !== null && Math.floor(issuedAtMs / 1000) > atSeconds;
}
