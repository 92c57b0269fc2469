import React from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { Tooltip, useStyles2, useTheme2 } from '@grafana/ui';
import { formatAge, formatDuration, formatShare } from '../../shared/duration';
import { type Diagnosis } from '../../shared/record.generated';
import { workerStatusLabel } from '../../shared/verdict';
import { useNow } from '../useNow';

interface Figure {
  label: string;
  value: string;
  note?: string;
  /** 0 to 1, drawn as a bar. */
  share?: number;
  tone?: 'warning' | 'error' | 'info';
}

/** The most important numbers, as far as they are known. */
export function Figures({ operation }: { operation: Diagnosis }) {
  const styles = useStyles2(getStyles);
  const theme = useTheme2();
  const now = useNow(operation);
  return (
    <dl className={styles.row}>
      {figures(operation, now).map(({ label, value, note, share, tone }) => (
        <div key={label} className={styles.figure}>
          <dt className={styles.label}>{label}</dt>
          <dd className={styles.value}>
            <Tooltip content={note ? `${value}, ${note}` : value}>
              <span className={styles.words} style={tone ? { color: theme.colors[tone].text } : undefined}>
                {value}
              </span>
            </Tooltip>
            {share === undefined ? null : (
              <span className={styles.bar} aria-hidden>
                <span
                  className={styles.fill}
                  style={{ width: `${Math.min(100, share * 100)}%`, background: theme.colors[tone ?? 'info'].main }}
                />
              </span>
            )}
            {note ? <span className={styles.note}>{note}</span> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const KIND = { span: 'own time', network: 'between services', gap: 'no span covers it' };

function figures(d: Diagnosis, now: number): Figure[] {
  const list: Figure[] = [];
  if (d.status !== 'completed' && (d.progress_percent !== null || d.progress_phase)) {
    const age = d.end === null && d.progress_at ? formatAge(d.progress_at, now) : '';
    list.push({
      label: d.progress_percent === null ? 'Last phase' : 'Progress',
      value: d.progress_percent === null ? (d.progress_phase ?? '') : `${Math.round(d.progress_percent)} %`,
      note: [d.progress_percent === null ? '' : d.progress_phase, age].filter(Boolean).join(' · '),
      share: d.progress_percent === null ? undefined : d.progress_percent / 100,
      tone: 'info',
    });
  }
  if (d.bottleneck_span) {
    const where = d.bottleneck_service && d.bottleneck_service !== d.bottleneck_span ? d.bottleneck_service : '';
    list.push({
      label: 'Bottleneck',
      value: d.bottleneck_span,
      note: [
        `${formatDuration(d.bottleneck_ms)} (${formatShare(d.bottleneck_share)})`,
        where,
        d.bottleneck_kind ? KIND[d.bottleneck_kind] : '',
      ]
        .filter(Boolean)
        .join(' · '),
      share: d.bottleneck_share ?? undefined,
      tone: 'warning',
    });
  }
  if (d.error_type || d.error_message) {
    list.push({
      label: 'Error',
      value: d.error_type ?? 'Error',
      note: [d.error_span, d.error_service].filter(Boolean).join(' · '),
      tone: 'error',
    });
  }
  if (d.worker_status) {
    const counts = [d.workers_total, d.workers_capable, d.workers_available];
    const note = counts.every((count) => count === null)
      ? ''
      : `${d.workers_total ?? '?'} registered, ${d.workers_capable ?? '?'} capable, ${d.workers_available ?? '?'} free`;
    list.push({
      label: 'Worker',
      value: d.worker_id ?? workerStatusLabel(d.worker_status),
      note: [d.worker_id && d.worker_status !== 'SUCCESS' ? workerStatusLabel(d.worker_status) : '', note]
        .filter(Boolean)
        .join(' · '),
      tone: d.worker_status === 'SUCCESS' ? undefined : 'error',
    });
  }
  if (d.baseline_ms !== null) {
    list.push({
      label: 'Compared with usual',
      value:
        d.slowdown === null
          ? formatDuration(d.baseline_ms)
          : `${Number(d.slowdown.toFixed(d.slowdown < 10 ? 1 : 0))} ×`,
      note: `usually ${formatDuration(d.baseline_ms)}`,
      tone: (d.slowdown ?? 0) >= 2 ? 'warning' : undefined,
    });
  }
  if (d.attempts > 1) {
    list.push({ label: 'Attempts', value: String(d.attempts), note: 'starts and resumes' });
  }
  if (d.span_count > 0) {
    const folded = d.folded_spans > 0 ? `${d.folded_spans} folded away` : '';
    const services =
      d.services.length > 0 ? `${d.services.length} ${d.services.length === 1 ? 'service' : 'services'}` : '';
    list.push({ label: 'Spans', value: String(d.span_count), note: [services, folded].filter(Boolean).join(' · ') });
  }
  return list;
}

const getStyles = (theme: GrafanaTheme2) => ({
  row: css({
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(150px, 1fr))',
    gap: theme.spacing(1),
    margin: 0,
  }),
  figure: css({
    padding: theme.spacing(0.75, 1),
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.secondary,
    minWidth: 0,
  }),
  label: css({
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    fontWeight: theme.typography.fontWeightRegular,
  }),
  value: css({ margin: 0 }),
  words: css({
    display: 'block',
    fontWeight: theme.typography.fontWeightMedium,
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
  }),
  bar: css({
    display: 'block',
    height: 3,
    margin: theme.spacing(0.25, 0),
    borderRadius: 2,
    background: theme.colors.border.weak,
    overflow: 'hidden',
  }),
  fill: css({ display: 'block', height: '100%' }),
  note: css({
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    overflow: 'hidden',
    overflowWrap: 'anywhere',
    display: '-webkit-box',
    WebkitLineClamp: 2,
    WebkitBoxOrient: 'vertical',
  }),
});
