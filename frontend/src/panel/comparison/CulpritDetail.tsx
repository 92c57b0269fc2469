import React from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { type DataSourceRef } from '@grafana/schema';
import { Button, LinkButton, useStyles2 } from '@grafana/ui';
import { formatDuration, formatShare } from '../../shared/duration';
import { type Culprit } from '../../shared/record.generated';
import { traceLink } from '../links';

interface Props {
  culprit: Culprit;
  narrow: boolean;
  datasource?: DataSourceRef;
  /** Missing if the examples are not operations. */
  onDiagnose?: (traceId: string) => void;
}

/** The numbers of a culprit, and the examples that show it best. */
export function CulpritDetail({ culprit, narrow, datasource, onDiagnose }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.wrap}>
      <dl className={styles.facts}>
        {facts(culprit).map(([name, value]) => (
          <div key={name}>
            <dt className={styles.name}>{name}</dt>
            <dd className={styles.value}>{value}</dd>
          </div>
        ))}
      </dl>
      <ul className={styles.examples} aria-label="Examples that show it best">
        {culprit.example_trace_ids.map((traceId, index) => {
          const evidence = culprit.evidence.find((item) => item.trace_id === traceId);
          const link = traceLink(datasource, traceId, evidence?.span_id, around(evidence?.at ?? null));
          return (
            <li key={traceId} className={styles.example}>
              {narrow ? null : <code className={styles.id}>{traceId.slice(0, 8)}…</code>}
              <span className={styles.words}>
                {evidence && culprit.excess_ms !== null ? evidence.value : (evidence?.span ?? '')}
              </span>
              {onDiagnose ? (
                <Button
                  size="sm"
                  variant="secondary"
                  aria-label={`Diagnose example ${index + 1}`}
                  onClick={() => onDiagnose(traceId)}
                >
                  Diagnose
                </Button>
              ) : null}
              {link ? (
                <LinkButton
                  href={link}
                  size="sm"
                  variant="secondary"
                  fill="text"
                  icon="external-link-alt"
                  target="_blank"
                  aria-label={`Trace of example ${index + 1}`}
                >
                  Trace
                </LinkButton>
              ) : null}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const around = (at: number | null) => (at === null ? undefined : { start: at, end: at });

function facts(culprit: Culprit): Array<[string, string]> {
  const list: Array<[string, string]> = [
    ['Span', culprit.span],
    ['Types', culprit.operation_types.join(', ')],
    ['Affected', String(culprit.affected)],
  ];
  if (culprit.baseline_ms !== null) {
    list.push(['Usually', formatDuration(culprit.baseline_ms)]);
  }
  if (culprit.error_ratio > 0 || culprit.baseline_error_ratio > 0) {
    list.push(['Errors', `${formatShare(culprit.error_ratio)}, usually ${formatShare(culprit.baseline_error_ratio)}`]);
  }
  list.push(['Score', `${formatDuration(culprit.score)} per operation`]);
  return list;
}

const getStyles = (theme: GrafanaTheme2) => ({
  wrap: css({ padding: theme.spacing(0.5, 1, 1.5, 5) }),
  facts: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1, 3), margin: theme.spacing(0, 0, 1) }),
  name: css({
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    fontWeight: theme.typography.fontWeightRegular,
  }),
  value: css({ margin: 0, overflowWrap: 'anywhere' }),
  examples: css({ listStyle: 'none', margin: 0, padding: 0 }),
  example: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(0.25, 0),
  }),
  id: css({ margin: 0 }),
  words: css({
    flexGrow: 1,
    minWidth: 0,
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
});
