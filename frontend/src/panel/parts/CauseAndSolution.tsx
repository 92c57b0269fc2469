import React from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { type Diagnosis } from '../../shared/record.generated';
import { humanize } from '../../shared/verdict';
import { SolutionText } from './SolutionText';

/** The root cause, its confidence, and the solution. */
export function CauseAndSolution({ operation, columns }: { operation: Diagnosis; columns: boolean }) {
  const styles = useStyles2(getStyles);
  const { root_cause: cause, solution, confidence, confidence_reason: reason } = operation;
  const sure = confidence !== 'high' || cause;
  if (!cause && !solution && !reason) {
    return null;
  }
  return (
    <div className={styles.grid} style={{ gridTemplateColumns: columns && solution ? '1fr 1fr' : '1fr' }}>
      <section aria-label="Root cause">
        <h3 className={styles.title}>Why</h3>
        {cause ? <p className={styles.text}>{cause}</p> : null}
        {sure ? (
          <p className={styles.confidence}>
            <Dots confidence={confidence} /> {humanize(confidence)} confidence{reason ? `: ${reason}` : ''}
          </p>
        ) : null}
      </section>
      {solution ? (
        <section aria-label="Solution">
          <h3 className={styles.title}>What to do</h3>
          <SolutionText text={solution} />
        </section>
      ) : null}
    </div>
  );
}

const LEVEL = { low: 1, medium: 2, high: 3 };

function Dots({ confidence }: { confidence: Diagnosis['confidence'] }) {
  const styles = useStyles2(getStyles);
  const level = LEVEL[confidence] ?? 0;
  return (
    <span aria-hidden className={styles.dots}>
      {[1, 2, 3].map((at) => (
        <span key={at} className={at <= level ? styles.full : styles.empty} />
      ))}
    </span>
  );
}

const getStyles = (theme: GrafanaTheme2) => {
  const dot = { width: 6, height: 6, borderRadius: '50%', display: 'inline-block' };
  return {
    grid: css({ display: 'grid', gap: theme.spacing(1, 3), padding: theme.spacing(0, 0.5) }),
    title: css({
      margin: theme.spacing(0, 0, 0.25),
      fontSize: theme.typography.bodySmall.fontSize,
      fontWeight: theme.typography.fontWeightMedium,
      color: theme.colors.text.secondary,
    }),
    text: css({ margin: 0, overflowWrap: 'anywhere', whiteSpace: 'pre-line' }),
    confidence: css({
      margin: theme.spacing(0.5, 0, 0),
      color: theme.colors.text.secondary,
      fontSize: theme.typography.bodySmall.fontSize,
    }),
    dots: css({ display: 'inline-flex', gap: 3, marginRight: 4, verticalAlign: 'middle' }),
    full: css({ ...dot, background: theme.colors.text.secondary }),
    empty: css({ ...dot, border: `1px solid ${theme.colors.text.disabled}` }),
  };
};
