/** Columns two spaces apart, each as wide as its widest cell; colour codes take no width; lines end without spaces. */
export const tableText = (rows: readonly (readonly string[])[]): string => {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

const COLOUR = /\u001b\[\d+m/g;

/** Columns of a terminal that the text takes: code points, without colours. */
const widthOf = (text: string): number => [...text.replace(COLOUR, '')].length;
