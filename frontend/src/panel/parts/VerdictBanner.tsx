import React from 'react';
import { css, cx } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { type TimeZone } from '@grafana/schema';
import { Icon, IconButton, LinkButton, Tooltip, useStyles2, useTheme2 } from '@grafana/ui';
import { formatAge, formatDuration } from '../../shared/duration';
import { type Diagnosis } from '../../shared/record.generated';
import { humanize, severityLabel, tone, verdictDisplay } from '../../shared/verdict';
import { useNow } from '../useNow';
import { CopyButton } from './SolutionText';

interface Props {
  operation: Diagnosis;
  timeZone: TimeZone;
  /** The trace in Explore. */
  link?: string;
  /** The operation on its dashboard. */
  dashboard?: string;
  onBack?: () => void;
  narrow: boolean;
  /** Only the verdict and the summary. */
  tiny: boolean;
}

/** The verdict, the operation and the summary. */
export function VerdictBanner({ operation, timeZone, link, dashboard, onBack, narrow, tiny }: Props) {
  const theme = useTheme2();
  const styles = useStyles2(getStyles);
  const look = verdictDisplay(operation.verdict);
  const colors = tone(theme, operation.severity, operation.verdict);
  const now = useNow(operation);
  const runs = operation.end === null && operation.start !== null;
  return (
    <header
      className={cx(styles.banner, narrow && styles.narrow)}
      style={{ background: colors.tint, borderLeftColor: colors.main }}
    >
      <div className={styles.top}>
        {onBack ? (
          <IconButton name="arrow-left" aria-label="Back to the list" tooltip="Back to the list" onClick={onBack} />
        ) : null}
        <Tooltip content={`${look.meaning} Severity: ${severityLabel(operation.severity)}.`}>
          <span className={styles.verdict} style={{ color: colors.text }} tabIndex={0}>
            <Icon name={look.icon} size={narrow ? 'md' : 'lg'} />
            {look.label}
          </span>
        </Tooltip>
        <span className={styles.chip}>{humanize(operation.operation_type)}</span>
        {!tiny && operation.status !== 'unknown' && operation.status !== operation.verdict ? (
          <span className={styles.chip}>{humanize(operation.status)}</span>
        ) : null}
        {operation.partial ? (
          <Tooltip content={operation.remarks.join('; ') || 'Spans, parents or pages are missing'}>
            <span className={styles.chip} tabIndex={0}>
              <Icon name="exclamation-triangle" size="sm" /> Partial
            </span>
          </Tooltip>
        ) : null}
        <span className={styles.space} />
        {link && !tiny ? (
          <LinkButton href={link} size="sm" variant="secondary" fill="text" icon="external-link-alt" target="_blank">
            Trace
          </LinkButton>
        ) : null}
      </div>
      <h2 className={cx(styles.summary, narrow && styles.small)}>{operation.summary || look.meaning}</h2>
      <div className={styles.facts} hidden={tiny}>
        {(operation.operation_id ?? operation.trace_id) ? (
          <span className={styles.id}>
            <code className={styles.code}>
              {dashboard ? (
                <a href={dashboard} className={styles.anchor} title="Open on the Diagnosis dashboard">
                  {operation.operation_id}
                </a>
              ) : (
                (operation.operation_id ?? operation.trace_id)
              )}
            </code>
            <CopyButton what={operation.operation_id ?? operation.trace_id ?? ''} label="Copy the id" />
          </span>
        ) : null}
        {operation.start ? <span>started {dateTimeFormat(operation.start, { timeZone })}</span> : null}
        {runs ? (
          <span>running for {formatDuration(now - (operation.start ?? now))}</span>
        ) : (
          <span>took {formatDuration(operation.duration_ms)}</span>
        )}
        {runs && operation.last_activity ? <span>last activity {formatAge(operation.last_activity, now)}</span> : null}
      </div>
    </header>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  banner: css({
    borderLeft: '4px solid',
    borderRadius: theme.shape.radius.default,
    padding: theme.spacing(1.5, 2),
  }),
  narrow: css({ padding: theme.spacing(1, 1.25) }),
  top: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(1) }),
  verdict: css({
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(0.75),
    fontWeight: theme.typography.fontWeightMedium,
    textTransform: 'uppercase',
    letterSpacing: '0.04em',
  }),
  chip: css({
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(0.5),
    padding: theme.spacing(0, 0.75),
    borderRadius: theme.shape.radius.pill,
    border: `1px solid ${theme.colors.border.medium}`,
    color: theme.colors.text.primary,
    fontSize: theme.typography.bodySmall.fontSize,
    lineHeight: '20px',
  }),
  space: css({ flexGrow: 1 }),
  summary: css({
    margin: theme.spacing(0.75, 0, 0.5),
    fontSize: theme.typography.h4.fontSize,
    lineHeight: 1.35,
    fontWeight: theme.typography.fontWeightMedium,
    letterSpacing: 0,
    overflowWrap: 'anywhere',
  }),
  small: css({ fontSize: theme.typography.body.fontSize }),
  facts: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    columnGap: theme.spacing(2),
    color: theme.colors.text.primary,
    fontSize: theme.typography.bodySmall.fontSize,
    '&[hidden]': { display: 'none' },
  }),
  id: css({ display: 'inline-flex', alignItems: 'center', maxWidth: '100%' }),
  anchor: css({ color: theme.colors.text.link, '&:hover': { textDecoration: 'underline' } }),
  code: css({ background: 'none', border: 0, padding: 0, margin: 0, overflowWrap: 'anywhere', whiteSpace: 'normal' }),
});
