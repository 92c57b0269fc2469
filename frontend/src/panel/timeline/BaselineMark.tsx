import React from 'react';
import { Tooltip } from '@grafana/ui';
import { type FlowStep } from '../../shared/record.generated';
import { describeBaseline } from './steps';
import { type TimelineStyles } from './styles';

type LineProps = React.HTMLAttributes<HTMLSpanElement> & { styles: TimelineStyles; left: number };

/** The line itself. Grafana's tooltip makes its element focusable, which an element within an option must not be. */
const Line = React.forwardRef<HTMLSpanElement, LineProps>(function Line({ styles, left, tabIndex: _, ...rest }, ref) {
  return (
    <span {...rest} ref={ref} className={styles.baseline} style={{ left }} data-testid="baseline" aria-hidden>
      <span className={styles.baselineLine} />
    </span>
  );
});

/** Marks on a step's bar what such a step usually takes. For screen readers, the step's detail says it. */
export function BaselineMark({ step, left, styles }: { step: FlowStep; left: number; styles: TimelineStyles }) {
  return (
    <Tooltip content={describeBaseline(step) ?? ''}>
      <Line styles={styles} left={left} />
    </Tooltip>
  );
}
