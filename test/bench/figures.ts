/** One measured number with what it should be. */
export interface Figure {
  /** The bench that measured it. */
  bench: string;
  figure: string;
  value: number;
  unit: string;
  /** Absent: only reported. */
  goal?: { atMost: number } | { atLeast: number };
  /** What is known of Argo's controller, as far as something is. */
  argo?: string;
}

export const isReached = ({ value, goal }: Figure): boolean | undefined => {
  if (!goal) return undefined;
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
};

const written = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);

const goalText = ({ goal }: Figure): string =>
  goal === undefined ? '' : 'atMost' in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`;

/** Figures as lines of a table: bench, figure, value, unit, goal, whether it is reached. */
export const tableOf = (figures: readonly Figure[]): string => {
  const verdict = { true: 'reached', false: 'MISSED', undefined: '' };
  const isCompared = figures.some(({ argo }) => argo !== undefined);
  const rows = figures.map((figure) => [
    figure.bench,
    figure.figure,
    written(figure.value),
    figure.unit,
    goalText(figure),
    verdict[`${isReached(figure)}`],
    ...(isCompared ? [figure.argo ?? ''] : []),
  ]);
  const header = ['bench', 'figure', 'value', 'unit', 'goal', '', ...(isCompared ? ['Argo'] : [])];
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(header), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)].join('\n');
};
