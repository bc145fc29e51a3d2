import { setTimeout as sleep } from 'node:timers/promises';

/** Tries the assertion every 20 ms until it holds; past `withinMs` it fails with the last refusal. */
export async function eventually<T>(
  assertion: () => T | Promise<T>,
  { withinMs = 10_000 }: { readonly withinMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await assertion();
    } catch (refusal) {
      if (Date.now() >= deadline) throw refusal;
      await sleep(20);
    }
  }
}
