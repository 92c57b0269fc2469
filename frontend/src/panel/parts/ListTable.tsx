import React, { useState } from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { Button, useStyles2 } from '@grafana/ui';

export interface Column<T> {
  name: string;
  cell: (row: T) => React.ReactNode;
  align?: 'right';
  /** Uses the remaining width. */
  wide?: boolean;
}

interface Props<T> {
  label: string;
  rows: T[];
  columns: Array<Column<T>>;
  keyOf: (row: T, index: number) => string;
}

const PAGE_SIZE = 100;

/** A plain table. Long tables show more rows on demand, so that thousands of rows do not slow down the page. */
export function ListTable<T>({ label, rows, columns, keyOf }: Props<T>) {
  const styles = useStyles2(getStyles);
  const [shown, setShown] = useState(PAGE_SIZE);
  return (
    <div className={styles.scroll} tabIndex={0} role="region" aria-label={label}>
      <table className={styles.table}>
        <thead>
          <tr>
            {columns.map(({ name, align }) => (
              <th key={name} scope="col" style={{ textAlign: align }}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, shown).map((row, index) => (
            <tr key={keyOf(row, index)}>
              {columns.map(({ name, cell, align, wide }) => (
                <td key={name} style={{ textAlign: align, width: wide ? '60%' : undefined }}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown ? (
        <Button size="sm" variant="secondary" fill="text" onClick={() => setShown(shown + PAGE_SIZE)}>
          Show {Math.min(PAGE_SIZE, rows.length - shown)} more of {rows.length}
        </Button>
      ) : null}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  scroll: css({ overflowX: 'auto' }),
  table: css({
    width: '100%',
    fontSize: theme.typography.bodySmall.fontSize,
    'th, td': {
      padding: theme.spacing(0.5, 1),
      verticalAlign: 'top',
      borderBottom: `1px solid ${theme.colors.border.weak}`,
      overflowWrap: 'anywhere',
    },
    th: {
      color: theme.colors.text.secondary,
      fontWeight: theme.typography.fontWeightRegular,
      whiteSpace: 'nowrap',
      textAlign: 'left',
    },
    'th, td:not([style*="60%"])': { minWidth: 64 },
  }),
});
