import React from 'react';
import { css, cx } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { type TimeZone } from '@grafana/schema';
import { Icon, useStyles2, useTheme2 } from '@grafana/ui';
import { formatDuration, formatShare } from '../shared/duration';
import { VisuallyHidden } from '../shared/VisuallyHidden';
import { shortOperationId } from '../shared/ids';
import { type Diagnosis } from '../shared/record.generated';
import { humanize, needsNoAttention, tone, verdictDisplay } from '../shared/verdict';
import { parseSolution } from './solution';

interface Props {
  id: string;
  operation: Diagnosis;
  index: number;
  count: number;
  /** Distance to the first visible row, and height, in pixels. */
  top: number;
  height: number;
  selected: boolean;
  /** Whether there is space for the verdict's name and a remark. */
  wide: boolean;
  /** Whether there is space for root cause and solution. */
  tall: boolean;
  timeZone: TimeZone;
  onOpen: () => void;
}

/** One operation in a line or, if there is space, in four. */
export function OperationRow(props: Props) {
  const { id, operation, index, count, top, height, selected, wide, tall, timeZone, onOpen } = props;
  const styles = useStyles2(getStyles);
  const look = verdictDisplay(operation.verdict);
  const colors = tone(useTheme2(), operation.severity, operation.verdict);
  const solution = tall ? firstStep(operation.solution) : undefined;
  return (
    <div
      id={id}
      role="option"
      aria-selected={selected}
      aria-setsize={count}
      aria-posinset={index + 1}
      className={cx(styles.row, selected && styles.selected)}
      style={{ top, height, borderLeftColor: colors.main }}
      onClick={onOpen}
    >
      <span className={styles.verdict} style={{ color: colors.text, width: wide ? 128 : 24 }}>
        <Icon name={look.icon} aria-hidden />
        {wide ? look.label : <VisuallyHidden>{look.label}</VisuallyHidden>}
      </span>
      <span className={styles.middle}>
        <span className={styles.line} title={operation.summary}>
          {operation.summary}
        </span>
        <span className={cx(styles.line, styles.facts)}>
          {wide ? '' : `${formatDuration(operation.duration_ms)} · `}
          {humanize(operation.operation_type)}
          {operation.operation_id ? ` · ${shortOperationId(operation.operation_id)}` : ''}
          {operation.start ? ` · ${dateTimeFormat(operation.start, { timeZone })}` : ''}
          {wide ? remark(operation) : ''}
        </span>
        {tall && operation.root_cause ? (
          <span className={cx(styles.line, styles.detail)} title={operation.root_cause}>
            <span className={styles.label}>Why</span> {operation.root_cause}
          </span>
        ) : null}
        {solution ? (
          <span className={cx(styles.line, styles.detail)} title={operation.solution ?? undefined}>
            <span className={styles.label}>What to do</span> {solution.text}
            {solution.command ? <code>{solution.command}</code> : null}
          </span>
        ) : null}
      </span>
      {wide ? <span className={styles.duration}>{formatDuration(operation.duration_ms)}</span> : null}
      <Icon name="angle-right" className={styles.arrow} />
    </div>
  );
}

/** The first sentence and the first command of a solution. */
function firstStep(solution: string | null): { text: string; command?: string } | undefined {
  const [first, second] = solution ? parseSolution(solution) : [];
  if (!first) {
    return undefined;
  }
  const command = [first, second].find((part) => part?.kind === 'commands');
  return {
    text: first.kind === 'text' ? `${first.text} ` : '',
    command: command?.kind === 'commands' ? command.lines[0] : undefined,
  };
}

/** The finding of a healthy operation (such as a rejected gate), else where the time was spent. */
function remark({ verdict, findings, bottleneck_share: share, bottleneck_span: span }: Diagnosis): string {
  const [finding] = needsNoAttention(verdict) ? findings : [];
  if (finding) {
    return ` · ${finding.summary}`;
  }
  return span ? ` · ${formatShare(share)} ${span}` : '';
}

const getStyles = (theme: GrafanaTheme2) => ({
  row: css({
    position: 'absolute',
    left: 0,
    right: 0,
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
  line: css({ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
  facts: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
  detail: css({
    fontSize: theme.typography.bodySmall.fontSize,
    lineHeight: 1.5,
    '& code': { margin: 0, padding: 0, border: 0, background: 'none', fontSize: 'inherit' },
  }),
  label: css({ color: theme.colors.text.secondary }),
  duration: css({ flexShrink: 0, color: theme.colors.text.secondary, fontVariantNumeric: 'tabular-nums' }),
  arrow: css({ flexShrink: 0, color: theme.colors.text.secondary }),
});
