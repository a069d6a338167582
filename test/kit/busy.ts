/** Milliseconds by which anything may be later since the machine is busy with other work: it has two cores for everybody on it. */
export const busyMs = 500;
