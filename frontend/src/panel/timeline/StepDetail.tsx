import React from 'react';
import { TextLink } from '@grafana/ui';
import { formatDuration } from '../../shared/duration';
import { type FlowStep } from '../../shared/record.generated';
import { isError, isGap } from './steps';
import { type TimelineStyles } from './styles';

/** The step under the pointer or the one selected by keyboard. */
export function StepDetail({ step, link, styles }: { step?: FlowStep; link?: string; styles: TimelineStyles }) {
  if (!step) {
    return <div className={styles.detail}>Point at a step, or move with the arrow keys. Double-click zooms to it.</div>;
  }
  return (
    <div className={styles.detail}>
      <span className={styles.strong}>{step.span}</span>
      {step.service ? <span>{step.service}</span> : null}
      <span>{isGap(step) ? 'gap' : step.kind}</span>
      <span>at {formatDuration(step.offset_ms)}</span>
      <span>took {formatDuration(step.duration_ms)}</span>
      {isGap(step) ? null : <span>self {formatDuration(step.self_ms)}</span>}
      {step.path_ms > 0 ? <span>on the path {formatDuration(step.path_ms)}</span> : null}
      {step.baseline_ms === null ? null : <span>usually {formatDuration(step.baseline_ms)}</span>}
      {isError(step) ? <span>error {step.error_type ?? ''}</span> : null}
      {step.folded > 0 ? <span>{step.folded} noise spans folded away</span> : null}
      {link ? (
        <TextLink href={link} external inline variant="bodySmall">
          Open in trace view
        </TextLink>
      ) : null}
    </div>
  );
}
