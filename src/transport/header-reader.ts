/** Values of one header that are read once only, whatever clients send. */
const maxKnown = 100;

/** What reads a header, for many requests whose clients say the same with each: `read` is asked once for each value. */
export function createHeaderReader<Read>(
  read: (header: string | undefined) => Read,
): (header: string | undefined) => Read {
  const known = new Map<string | undefined, { readonly value: Read }>();
  return (header) => {
    const found = known.get(header);
    if (found) return found.value;
    const value = read(header);
    if (known.size < maxKnown) known.set(header, { value });
    return value;
  };
}
