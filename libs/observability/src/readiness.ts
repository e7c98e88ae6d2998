/** Answers whether one thing that the program needs can be used now. */
export type ReadinessCheck = () => Promise<boolean> | boolean;

/** How each source stands, by name; `ready` where all of them are. */
export interface ReadinessReport {
  readonly ready: boolean;
  readonly sources: Readonly<Record<string, boolean>>;
}

const CHECK_LIMIT_MS = 2_000;

/** What a program needs in order to work: adapters register themselves, /readyz asks. A check that hangs counts as not ready. */
export class Readiness {
  private readonly checks = new Map<string, ReadinessCheck>();

  register(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  async report(): Promise<ReadinessReport> {
    const names = [...this.checks.keys()];
    const answers = await Promise.all([...this.checks.values()].map(answerInTime));
    const sources = Object.fromEntries(names.map((name, index) => [name, answers[index] ?? false]));
    return { ready: answers.every(Boolean), sources };
  }
}

/** Nest token of the program's Readiness. */
export const READINESS = Symbol('Readiness');

async function answerInTime(check: ReadinessCheck): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_LIMIT_MS);
  });
  try {
    return await Promise.race([Promise.resolve().then(check), limit]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
