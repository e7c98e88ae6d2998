/** One variable whose value is missing or wrong, in words that never contain the value of a secret. */
export interface ConfigProblem {
  readonly variable: string;
  readonly problem: string;
}

/** A program's configuration is unusable; carries all problems at once. The program must not start. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(`configuration is not usable:\n${problems.map(({ variable, problem }) => `  ${variable}: ${problem}`).join('\n')}`);
  }
}
