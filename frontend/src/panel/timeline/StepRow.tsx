import React from 'react';
import { cx } from '@emotion/css';
import { Icon } from '@grafana/ui';
import { formatDuration } from '../../shared/duration';
import { VisuallyHidden } from '../../shared/VisuallyHidden';
import { type FlowStep } from '../../shared/record.generated';
import { baselineMark, positionInBar } from './bar';
import { BaselineMark } from './BaselineMark';
import { describeStep, isError, isGap, isNetwork } from './steps';
import { type TimelineStyles } from './styles';

export const ROW_HEIGHT = 24;

interface Props {
  id: string;
  step: FlowStep;
  index: number;
  count: number;
  /** Where its bar starts and ends, in pixels; may lie outside of the visible part. */
  left: number;
  right: number;
  nameWidth: number;
  barWidth: number;
  color: string;
  selected: boolean;
  styles: TimelineStyles;
  onSelect: (index: number) => void;
  onZoom: (step: FlowStep) => void;
  onHover: (index: number | null) => void;
}

const INDENT = 10;
const MAX_INDENTS = 14;
/** Width of the text of a duration, in pixels. */
const DURATION_WIDTH = 64;

/** One step: its name, indented by depth, and its bar. */
export const StepRow = React.memo(function StepRow(props: Props) {
  const {
    id,
    step,
    index,
    count,
    left,
    right,
    nameWidth,
    barWidth,
    color,
    selected,
    styles,
    onSelect,
    onZoom,
    onHover,
  } = props;
  const from = Math.max(0, left);
  const to = Math.min(barWidth, right);
  const visible = to >= 0 && from <= barWidth;
  const width = Math.max(2, to - from);
  // The visible part of the bar may be cut at both sides; the positions of its parts do not change.
  const drawn = (ms: number) => Math.min(width, Math.max(0, positionInBar({ left, right }, step, ms) - from));
  const mark = baselineMark({ left, right }, step, barWidth);
  // A mark to the right of the bar moves the text further to the right.
  const beside = mark !== undefined && mark > from + width - 4 && mark < from + width + DURATION_WIDTH;
  const textLeft = beside ? mark + 8 : from + width + 6;
  const fitsOnTheRight = barWidth - textLeft > DURATION_WIDTH - 6;
  return (
    <div
      id={id}
      role="option"
      aria-selected={selected}
      aria-setsize={count}
      aria-posinset={index + 1}
      className={cx(styles.row, selected && styles.selected, step.is_bottleneck && styles.bottleneckRow)}
      style={{ top: index * ROW_HEIGHT, height: ROW_HEIGHT }}
      onClick={() => onSelect(index)}
      onDoubleClick={() => onZoom(step)}
      onMouseEnter={() => onHover(index)}
      onMouseLeave={() => onHover(null)}
    >
      <div
        className={styles.name}
        style={{ width: nameWidth, paddingLeft: 6 + Math.min(step.depth, MAX_INDENTS) * INDENT }}
      >
        <span className={styles.dot} style={{ background: isGap(step) ? 'transparent' : color }} />
        <span
          className={cx(styles.words, isGap(step) && styles.gapWords)}
        >
          {step.span}
        </span>
        {isError(step) ? <Icon name="exclamation-circle" size="sm" className={styles.errorIcon} aria-hidden /> : null}
        <VisuallyHidden>{` ${describeStep(step)} `}</VisuallyHidden>
        {step.folded > 0 ? <span className={styles.folded}>+{step.folded}</span> : null}
      </div>
      <div className={styles.bars} style={{ width: barWidth }}>
        {visible ? (
          <>
            <div
              className={cx(
                styles.bar,
                isGap(step) && styles.gap,
                isGap(step) && step.is_bottleneck && styles.gapBottleneck,
                isError(step) && styles.errorBar
              )}
              style={{ left: from, width, background: isGap(step) ? undefined : fade(color) }}
            >
              {isGap(step) ? null : (
                <span
                  className={cx(styles.self, isNetwork(step) && styles.network)}
                  style={{
                    width: drawn(step.self_ms),
                    [isNetwork(step) ? 'color' : 'background']: step.is_bottleneck ? undefined : color,
                  }}
                  data-bottleneck={step.is_bottleneck || undefined}
                />
              )}
              {step.path_ms > 0 ? <span className={styles.path} style={{ width: drawn(step.path_ms) }} /> : null}
            </div>
            <span
              className={cx(styles.duration, !fitsOnTheRight && from <= DURATION_WIDTH && styles.durationInside)}
              style={
                fitsOnTheRight
                  ? { left: textLeft }
                  : { right: from > DURATION_WIDTH ? barWidth - from + 6 : Math.max(4, barWidth - to + 4) }
              }
            >
              {formatDuration(step.duration_ms)}
            </span>
            {mark === undefined ? null : <BaselineMark step={step} left={mark} styles={styles} />}
          </>
        ) : null}
      </div>
    </div>
  );
});

/** A colour with an opacity of a fifth, in any notation. */
const fade = (color: string) => `color-mix(in srgb, ${color} 28%, transparent)`;
