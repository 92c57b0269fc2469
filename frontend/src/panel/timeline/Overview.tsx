import React, { useEffect, useRef, useState } from 'react';
import { useTheme2 } from '@grafana/ui';
import { type FlowStep } from '../../shared/record.generated';
import { type Span, UNIT } from './scale';
import { isError, isGap } from './steps';
import { type TimelineStyles } from './styles';
import { type CompressedScale, positionOf } from './compressedScale';

interface Props {
  steps: FlowStep[];
  colors: Map<string, string>;
  timeScale: CompressedScale;
  view: Span;
  left: number;
  width: number;
  styles: TimelineStyles;
  onView: (view: Span) => void;
}

const HEIGHT = 40;
/** A drag shorter than this is a click, in pixels. */
const MIN_DRAG = 4;

/** The whole operation in a small chart; dragging over it zooms. */
export function Overview({ steps, colors, timeScale, view, left, width, styles, onView }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme2();
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context?.fillRect || width <= 0) {
      return;
    }
    const ratio = window.devicePixelRatio || 1;
    element.width = width * ratio;
    element.height = HEIGHT * ratio;
    context.scale(ratio, ratio);
    context.clearRect(0, 0, width, HEIGHT);
    const line = HEIGHT / Math.max(steps.length, HEIGHT / 4);
    steps.forEach((step, index) => {
      const marked = step.is_bottleneck || isError(step);
      context.globalAlpha = marked ? 1 : isGap(step) ? 0.4 : 0.6;
      context.fillStyle = isError(step)
        ? theme.colors.error.main
        : step.is_bottleneck
          ? theme.colors.warning.main
          : isGap(step)
            ? theme.colors.text.disabled
            : (colors.get(step.service) ?? theme.colors.text.disabled);
      const x = positionOf(timeScale, step.offset_ms) * width;
      const end = positionOf(timeScale, step.offset_ms + step.duration_ms) * width;
      context.fillRect(x, index * line, Math.max(1, end - x), Math.max(1, line * 0.75));
    });
  }, [steps, colors, timeScale, width, theme]);

  const at = (event: React.PointerEvent) =>
    Math.min(width, Math.max(0, event.clientX - event.currentTarget.getBoundingClientRect().left));
  const finish = (event: React.PointerEvent) => {
    if (!drag) {
      return;
    }
    const [a, b] = [Math.min(drag.from, at(event)), Math.max(drag.from, at(event))];
    setDrag(null);
    onView(b - a < MIN_DRAG ? UNIT : { from: a / width, to: b / width });
  };

  const brush = drag
    ? { left: Math.min(drag.from, drag.to), width: Math.abs(drag.to - drag.from) }
    : { left: view.from * width, width: (view.to - view.from) * width };
  const isZoomed = drag || view.from > 0 || view.to < 1;
  return (
    <div className={styles.overviewBox} style={{ marginLeft: left, width, height: HEIGHT }}>
      <canvas
        ref={canvas}
        className={styles.overview}
        style={{ width, height: HEIGHT }}
        aria-hidden
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture?.(event.pointerId);
          setDrag({ from: at(event), to: at(event) });
        }}
        onPointerMove={(event) => drag && setDrag({ ...drag, to: at(event) })}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(null)}
      />
      {isZoomed ? <div className={styles.brush} style={brush} /> : null}
    </div>
  );
}
