import React, { useEffect, useId, useMemo, useRef, useState } from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { type TimeZone } from '@grafana/schema';
import { Button, FilterPill, useStyles2 } from '@grafana/ui';
import { type Diagnosis, type Verdict } from '../shared/record.generated';
import { needsNoAttention, verdictDisplay } from '../shared/verdict';
import { keyOf, sortOperations } from './readFrames';
import { FOOTER_HEIGHT, listLayout } from './listLayout';
import { OperationRow } from './OperationRow';
import { type PanelOptions } from './options';
import { useVirtualRows } from './useVirtualRows';

interface Props {
  operations: Diagnosis[];
  options: PanelOptions;
  width: number;
  height: number;
  timeZone: TimeZone;
  /** The operation that was open before; it is selected again. */
  last?: string;
  onOpen: (key: string) => void;
}

const PILLS_HEIGHT = 40;

/** Many operations, worst first. A click or Enter opens one. Rows are never cut. */
export function OperationList({ operations, options, width, height, timeZone, last, onOpen }: Props) {
  const styles = useStyles2(getStyles);
  const id = useId();
  const [only, setOnly] = useState<Verdict[]>([]);
  const shown = useMemo(
    () => operations.filter(({ verdict }) => !options.hideHealthy || !needsNoAttention(verdict)),
    [operations, options.hideHealthy]
  );
  const counts = useMemo(() => countVerdicts(shown), [shown]);
  const rows = useMemo(
    () =>
      sortOperations(
        shown.filter(({ verdict }) => only.length === 0 || only.includes(verdict)),
        options.order
      ),
    [shown, only, options.order]
  );
  const [selected, setSelected] = useState(() => rows.findIndex((operation) => keyOf(operation) === last));
  const withPills = counts.length > 1 && height > 140;
  const wide = width > 560;
  const explained = rows.some(({ root_cause: cause, solution }) => cause ?? solution);
  const layout = listLayout(rows.length, height - (withPills ? PILLS_HEIGHT : 0), wide && explained);
  const listHeight = layout.rows * layout.rowHeight;
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualRows(box, rows.length, layout.rowHeight, listHeight);
  const lastVisible = Math.min(rows.length, virtual.top + layout.rows);
  const { show } = virtual;
  const cameBackTo = useRef(selected);
  useEffect(() => {
    if (cameBackTo.current >= 0) {
      show(cameBackTo.current);
    }
  }, [show]);

  const select = (index: number) => {
    const next = Math.min(rows.length - 1, Math.max(0, index));
    setSelected(next);
    virtual.show(next);
  };
  const keys: Record<string, () => void> = {
    ArrowDown: () => select(selected + 1),
    ArrowUp: () => select(selected - 1),
    PageDown: () => select(selected + virtual.perPage),
    PageUp: () => select(selected - virtual.perPage),
    Home: () => select(0),
    End: () => select(rows.length - 1),
    Enter: () => rows[selected] && onOpen(keyOf(rows[selected])),
    ' ': () => rows[selected] && onOpen(keyOf(rows[selected])),
  };

  return (
    <div>
      {withPills ? (
        <div className={styles.pills} role="group" aria-label="Show only these verdicts">
          {counts.map(([verdict, count]) => (
            <FilterPill
              key={verdict}
              label={`${verdictDisplay(verdict).label} ${count}`}
              selected={only.includes(verdict)}
              onClick={() => {
                setOnly(only.includes(verdict) ? only.filter((v) => v !== verdict) : [...only, verdict]);
                setSelected(-1);
              }}
            />
          ))}
        </div>
      ) : null}
      {rows.length === 0 ? <p className={styles.none}>Nothing needs attention: every operation is fine.</p> : null}
      <div
        ref={box}
        className={styles.list}
        style={{ height: listHeight }}
        role="listbox"
        tabIndex={rows.length > 0 ? 0 : -1}
        aria-label="Operations. Arrow keys move, Enter opens."
        aria-activedescendant={selected >= virtual.top && selected < lastVisible ? `${id}${selected}` : undefined}
        onScroll={virtual.onScroll}
        onKeyDown={(event) => {
          const action = keys[event.key];
          if (action && rows.length > 0) {
            event.preventDefault();
            action();
          }
        }}
      >
        <div role="presentation" style={{ height: virtual.total }}>
          <div role="presentation" className={styles.visible} style={{ height: listHeight }}>
            {rows.slice(virtual.top, lastVisible).map((operation, at) => {
              const index = virtual.top + at;
              return (
                <OperationRow
                  key={keyOf(operation)}
                  id={`${id}${index}`}
                  operation={operation}
                  index={index}
                  count={rows.length}
                  top={at * layout.rowHeight}
                  height={layout.rowHeight}
                  selected={index === selected}
                  wide={wide}
                  tall={layout.tall}
                  timeZone={timeZone}
                  onOpen={() => onOpen(keyOf(operation))}
                />
              );
            })}
          </div>
        </div>
      </div>
      {layout.more ? (
        <div className={styles.more}>
          <span>
            {virtual.top + 1} to {lastVisible} of {rows.length}
          </span>
          {lastVisible < rows.length ? (
            <Button size="sm" fill="text" icon="angle-down" onClick={() => virtual.scrollTo(lastVisible)}>
              {rows.length - lastVisible} more
            </Button>
          ) : (
            <Button size="sm" fill="text" icon="angle-up" onClick={() => virtual.scrollTo(0)}>
              Back to the top
            </Button>
          )}
        </div>
      ) : null}
    </div>
  );
}

function countVerdicts(operations: Diagnosis[]): Array<[Verdict, number]> {
  const counts = new Map<Verdict, { count: number; severity: number }>();
  for (const { verdict, severity } of operations) {
    const entry = counts.get(verdict) ?? { count: 0, severity };
    counts.set(verdict, { count: entry.count + 1, severity: Math.max(entry.severity, severity) });
  }
  return [...counts]
    .sort(([, a], [, b]) => b.severity - a.severity || b.count - a.count)
    .map(([verdict, { count }]) => [verdict, count]);
}

const getStyles = (theme: GrafanaTheme2) => ({
  pills: css({
    display: 'flex',
    flexWrap: 'nowrap',
    overflowX: 'auto',
    gap: theme.spacing(0.5),
    height: PILLS_HEIGHT,
    alignItems: 'center',
  }),
  none: css({ padding: theme.spacing(2), color: theme.colors.text.secondary }),
  list: css({
    overflowY: 'auto',
    overflowX: 'hidden',
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: -2 },
  }),
  // Scrolling moves by whole rows.
  visible: css({ position: 'sticky', top: 0, overflow: 'hidden' }),
  more: css({
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'space-between',
    height: FOOTER_HEIGHT,
    padding: theme.spacing(0, 1),
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
});
