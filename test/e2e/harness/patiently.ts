const LOOK_MS = 150;

/** Polls until `condition` holds, seldom enough to leave the machine to what is waited for; throws what was last known after `limitMs`. */
export async function patiently(condition: () => Promise<boolean>, what: () => string, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
