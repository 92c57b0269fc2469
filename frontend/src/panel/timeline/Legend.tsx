import React from 'react';
import { cx } from '@emotion/css';
import { useTheme2 } from '@grafana/ui';
import { type FlowStep } from '../../shared/record.generated';
import { isError, isGap, isNetwork } from './steps';
import { type TimelineStyles } from './styles';

/** Explains the bars that occur. */
export function Legend({ steps, styles }: { steps: FlowStep[]; styles: TimelineStyles }) {
  const theme = useTheme2();
  const color = theme.colors.text.disabled;
  const faint = { background: `color-mix(in srgb, ${color} 30%, transparent)` };
  const bottleneck = steps.find((step) => step.is_bottleneck);
  return (
    <div className={styles.legend}>
      <span className={styles.key}>
        <span className={styles.sample} style={faint}>
          <span className={styles.self} style={{ width: '50%', background: color }} />
        </span>
        self time
      </span>
      <span className={styles.key}>
        <span className={styles.sample} style={faint}>
          <span className={styles.path} style={{ width: '60%' }} />
        </span>
        time on the path
      </span>
      {steps.some((step) => step.baseline_ms !== null) ? (
        <span className={styles.key}>
          <span className={styles.sample} style={faint}>
            <span className={styles.path} style={{ width: '80%' }} />
            <span className={styles.baselineLine} style={{ left: '40%' }} />
          </span>
          usual time on the path
        </span>
      ) : null}
      {steps.some(isNetwork) ? (
        <span className={styles.key}>
          <span className={styles.sample} style={faint}>
            <span className={cx(styles.self, styles.network)} style={{ width: '100%', color }} />
          </span>
          network and waiting
        </span>
      ) : null}
      {steps.some(isGap) ? (
        <span className={styles.key}>
          <span className={cx(styles.sample, styles.gap)} />
          gap
        </span>
      ) : null}
      {bottleneck ? (
        <span className={styles.key}>
          <span
            className={cx(styles.sample, isGap(bottleneck) && styles.gap, isGap(bottleneck) && styles.gapBottleneck)}
            style={isGap(bottleneck) ? undefined : { background: theme.colors.warning.main }}
          />
          bottleneck
        </span>
      ) : null}
      {steps.some(isError) ? (
        <span className={styles.key}>
          <span className={cx(styles.sample, styles.errorBar)} />
          error
        </span>
      ) : null}
    </div>
  );
}
