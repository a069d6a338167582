/** RFC 9110 section 12.4.2. */
const weightPattern = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/** The weight that `q` gives: 0 to 1. One that is none says nothing that could be relied on, and is 0. */
export function weightFrom(text: string): number {
  return weightPattern.test(text) ? Number(text) : 0;
}
