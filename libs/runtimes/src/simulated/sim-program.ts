/** What a run of the image `sim` does: everything happens at its end, after `durationMs`. */
export interface SimPlay {
  exitCode: number;
  /** Lines on standard output, without line breaks. */
  lines: string[];
  /** Text of the files that it writes, by path. */
  files: ReadonlyMap<string, string>;
  durationMs: number;
}

const DIGITS = /^[0-9]+$/;
const INTEGER = /^\s*[+-]?[0-9]+\s*$/;
const EXIT_CODES = 256;
const BAD_EXIT_CODE = 2;

/**
 * Plays the image `sim`, whose arguments say what the container does: `exit=N` (not a number: 2), `result=TEXT` prints,
 * `out.NAME=TEXT` writes /tmp/NAME, `ms=N` takes that long, `failuntil=K` with `attempt=N` ends with 1 while N < K. Other
 * arguments mean nothing. Pure; the same as the shell script of that image.
 */
export function playSim(args: readonly string[]): SimPlay {
  const lines: string[] = [];
  const files = new Map<string, string>();
  let durationMs = 0;
  const last = new Map<string, string>();
  for (const argument of args) {
    const equals = argument.indexOf('=');
    if (equals < 0) continue;
    const name = argument.slice(0, equals);
    const value = argument.slice(equals + 1);
    if (name === 'result') lines.push(...value.split('\n'));
    else if (name.startsWith('out.')) files.set(`/tmp/${name.slice('out.'.length)}`, value);
    else if (name === 'ms') durationMs += Math.max(0, Number.parseFloat(value) || 0);
    else last.set(name, value);
  }
  return { exitCode: exitCodeOf(last), lines, files, durationMs };
}

function exitCodeOf(last: ReadonlyMap<string, string>): number {
  const written = last.get('exit') ?? '0';
  const attempt = last.get('attempt') ?? '0';
  const failUntil = last.get('failuntil') ?? '';
  if (INTEGER.test(failUntil) && Number(DIGITS.test(attempt) ? attempt : '0') < Number(failUntil)) return 1;
  return DIGITS.test(written) ? Number(written) % EXIT_CODES : BAD_EXIT_CODE;
}
