// The layout of the list of operations: only complete rows, and a line below them with the number of the remaining ones.

/** Height of a row, in pixels. */
export const ROW_HEIGHT = 46;
/** Height of a row that also shows root cause and solution. */
export const TALL_ROW_HEIGHT = 84;
/** Height of the line below the rows. */
export const FOOTER_HEIGHT = 30;

export interface ListLayout {
  rowHeight: number;
  /** Number of complete rows that are visible at once. */
  rows: number;
  /** Whether rows show root cause and solution. */
  tall: boolean;
  /** Whether the line about further rows is shown. */
  more: boolean;
}

/** The layout of `count` rows in this height. Rows are tall if that is allowed and all of them fit. */
export function listLayout(count: number, height: number, mayBeTall: boolean): ListLayout {
  const tall = mayBeTall && count * TALL_ROW_HEIGHT <= height;
  const rowHeight = tall ? TALL_ROW_HEIGHT : ROW_HEIGHT;
  if (count * rowHeight <= height) {
    return { rowHeight, rows: count, tall, more: false };
  }
  const more = height >= ROW_HEIGHT + FOOTER_HEIGHT;
  const rows = Math.max(1, Math.floor((height - (more ? FOOTER_HEIGHT : 0)) / ROW_HEIGHT));
  return { rowHeight, rows, tall, more };
}
