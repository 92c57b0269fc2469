import React, { useId, useMemo, useRef, useState } from 'react';
import { css, cx } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { type TimeZone } from '@grafana/schema';
import { FilterPill, Icon, useStyles2, useTheme2 } from '@grafana/ui';
import { formatDuration, formatShare } from '../shared/duration';
import { Hidden } from '../shared/Hidden';
import { shortOperationId } from '../shared/ids';
import { type Diagnosis, type Verdict } from '../shared/record';
import { sentence, tone, verdictLook } from '../shared/verdict';
import { keyOf, sortOperations } from './data';
import { type PanelOptions } from './options';
import { useVirtual } from './useVirtual';

interface Props {
  operations: Diagnosis[];
  options: PanelOptions;
  width: number;
  height: number;
  timeZone: TimeZone;
  /** The one that was open before, to come back to. */
  last?: string;
  onOpen: (key: string) => void;
}

const PILLS = 40;
const ROW = 46;
const QUIET: Verdict[] = ['healthy', 'running'];

/** Many operations: the worst first, one line each, opened by a click or Enter. */
export function OperationList({ operations, options, width, height, timeZone, last, onOpen }: Props) {
  const styles = useStyles2(getStyles);
  const theme = useTheme2();
  const id = useId();
  const [only, setOnly] = useState<Verdict[]>([]);
  const shown = useMemo(
    () => operations.filter(({ verdict }) => !options.hideHealthy || !QUIET.includes(verdict)),
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
  const listHeight = Math.max(ROW, height - (withPills ? PILLS : 0));
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtual(box, rows.length, ROW, listHeight);
  const wide = width > 560;

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
              label={`${verdictLook(verdict).label} ${count}`}
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
        style={{ height: Math.min(listHeight, rows.length * ROW) }}
        role="listbox"
        tabIndex={rows.length > 0 ? 0 : -1}
        aria-label="Operations. Arrow keys move, Enter opens."
        aria-activedescendant={selected >= virtual.first && selected < virtual.last ? `${id}${selected}` : undefined}
        onScroll={virtual.onScroll}
        onKeyDown={(event) => {
          const action = keys[event.key];
          if (action && rows.length > 0) {
            event.preventDefault();
            action();
          }
        }}
      >
        <div role="presentation" style={{ height: virtual.total, position: 'relative' }}>
          {rows.slice(virtual.first, virtual.last).map((operation, at) => {
            const index = virtual.first + at;
            const look = verdictLook(operation.verdict);
            const colors = tone(theme, operation.severity, operation.verdict);
            return (
              <div
                key={keyOf(operation)}
                id={`${id}${index}`}
                role="option"
                aria-selected={index === selected}
                aria-setsize={rows.length}
                aria-posinset={index + 1}
                className={cx(styles.row, index === selected && styles.selected)}
                style={{ top: index * ROW, borderLeftColor: colors.main }}
                onClick={() => onOpen(keyOf(operation))}
              >
                <span className={styles.verdict} style={{ color: colors.text, width: wide ? 128 : 24 }}>
                  <Icon name={look.icon} aria-hidden />
                  {wide ? look.label : <Hidden>{look.label}</Hidden>}
                </span>
                <span className={styles.middle}>
                  <span className={styles.summary} title={operation.summary}>
                    {operation.summary}
                  </span>
                  <span className={styles.facts}>
                    {sentence(operation.operation_type)}
                    {operation.operation_id ? ` · ${shortOperationId(operation.operation_id)}` : ''}
                    {operation.start ? ` · ${dateTimeFormat(operation.start, { timeZone })}` : ''}
                    {wide ? remark(operation) : ''}
                  </span>
                </span>
                <span className={styles.duration}>{formatDuration(operation.duration_ms)}</span>
                <Icon name="angle-right" className={styles.arrow} />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** What a fine operation has to say all the same (a rejected gate), else where the time went. */
function remark({ verdict, findings, bottleneck_share: share, bottleneck_span: span }: Diagnosis): string {
  const [finding] = QUIET.includes(verdict) ? findings : [];
  if (finding) {
    return ` · ${finding.summary}`;
  }
  return span ? ` · ${formatShare(share)} ${span}` : '';
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
    height: PILLS,
    alignItems: 'center',
  }),
  none: css({ padding: theme.spacing(2), color: theme.colors.text.secondary }),
  list: css({
    overflowY: 'auto',
    overflowX: 'hidden',
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: -2 },
  }),
  row: css({
    position: 'absolute',
    left: 0,
    right: 0,
    height: ROW,
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(0, 1),
    borderLeft: '3px solid',
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    cursor: 'pointer',
    '&:hover': { background: theme.colors.action.hover },
  }),
  selected: css({ background: theme.colors.action.selected }),
  verdict: css({
    flexShrink: 0,
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(0.75),
    fontWeight: theme.typography.fontWeightMedium,
    whiteSpace: 'nowrap',
  }),
  middle: css({ flexGrow: 1, minWidth: 0, display: 'flex', flexDirection: 'column', lineHeight: 1.35 }),
  summary: css({ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
  facts: css({
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  duration: css({ flexShrink: 0, color: theme.colors.text.secondary, fontVariantNumeric: 'tabular-nums' }),
  arrow: css({ flexShrink: 0, color: theme.colors.text.secondary }),
});
