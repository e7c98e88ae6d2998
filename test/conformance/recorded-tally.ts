import type { Recording } from './recordings.js';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
  total: number;
}

/** What became of the recordings of one group, in words. */
export class RecordedTally {
  private readonly passed = new Set<Recording>();
  private readonly failed = new Set<Recording>();

  /** `skipped`: those that are not run, by name, with the reason. */
  constructor(
    private readonly title: string,
    private readonly all: readonly Recording[],
    private readonly skipped: ReadonlyMap<string, string>,
  ) {}

  /** To be told before a recording is played: whatever ends the test before `pass` is a failure. */
  begin(recording: Recording): void {
    this.failed.add(recording);
  }

  pass(recording: Recording): void {
    this.failed.delete(recording);
    this.passed.add(recording);
  }

  /** One line with the totals, then one for each class, and one for each recording that failed or was skipped. */
  lines(): string[] {
    const classes = new Set(this.all.map((recording) => recording.class).filter((name) => name !== undefined));
    return [
      this.countsOf(this.all),
      `marked first: ${this.countsOf(this.all.filter(({ first }) => first))}`,
      ...[...classes]
        .sort()
        .map((name) => `class ${name}: ${this.countsOf(this.all.filter((recording) => recording.class === name))}`),
      ...[...this.failed].map(({ name }) => `failed: ${name}`),
      ...[...this.skipped].map(([name, reason]) => `skipped: ${name}: ${reason}`),
    ].map((line) => `conformance: ${this.title}: ${line}`);
  }

  private countsOf(recordings: readonly Recording[]): string {
    const count: Count = {
      passed: recordings.filter((recording) => this.passed.has(recording)).length,
      failed: recordings.filter((recording) => this.failed.has(recording)).length,
      skipped: recordings.filter(({ name }) => this.skipped.has(name)).length,
      total: recordings.length,
    };
    const unplayed = count.total - count.passed - count.failed - count.skipped;
    return (
      `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped of ${count.total}` +
      (unplayed === 0 ? '' : `, ${unplayed} not asked for`)
    );
  }
}
