/** Resolves with what was opened once it passes the check; closes it when it does not. */
export async function keptIf<Opened extends AsyncDisposable>(
  opened: Opened,
  check: (opened: Opened) => unknown,
): Promise<Opened> {
  try {
    await check(opened);
    return opened;
  } catch (thrown) {
    await opened[Symbol.asyncDispose]();
    throw thrown;
  }
}
