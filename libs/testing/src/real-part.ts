/** Thrown where a real part of a test (a server program) is missing on a machine that must have it. */
export class MissingPartError extends Error {
  override readonly name = 'MissingPartError';
}

/**
 * What a test does where a real part is missing: continuous integration (CI is set) fails, a developer's machine skips and
 * says how to get the part. Answers the line to show.
 */
export function missingPart(part: string): string {
  const line = `${part} is missing: \`npm test\` installs it, or run \`node scripts/install-test-parts.mjs\``;
  if (process.env['CI']) throw new MissingPartError(line);
  return `skipped: ${line}`;
}
