import React, { useCallback, useEffect, useId, useMemo, useRef, useState } from 'react';
import { Button, IconButton, Input, RadioButtonGroup, useStyles2, useTheme2 } from '@grafana/ui';
import { formatDuration } from '../../shared/duration';
import { type FlowStep } from '../../shared/record.generated';
import { type CellContext } from '../parts/cells';
import { useVirtualRows } from '../useVirtualRows';
import { Legend } from './Legend';
import { Overview } from './Overview';
import { extent, panned, type Span, UNIT, zoomed } from './scale';
import { StepDetail } from './StepDetail';
import { ROW_HEIGHT, StepRow } from './StepRow';
import { filterSteps, isError, serviceColors, type StepFilter } from './steps';
import { getTimelineStyles } from './styles';
import { axisTicks, foldedScale, linearScale, positionOf } from './compressedScale';

interface Props {
  steps: FlowStep[];
  width: number;
  height: number;
  context: CellContext;
}

const STEP_FILTERS = [
  { value: 'all' as StepFilter, label: 'All steps' },
  { value: 'path' as StepFilter, label: 'On the path' },
  { value: 'errors' as StepFilter, label: 'Errors' },
];
/** With this many steps or more, the search field is shown. */
const SEARCHABLE_COUNT = 15;
const SCROLLBAR = 14;

/** The execution flow: what happened when, and where the time was spent. */
export function Timeline({ steps, width, height, context }: Props) {
  const styles = useStyles2(getTimelineStyles);
  const theme = useTheme2();
  const listId = useId();
  const [stepFilter, setStepFilter] = useState<StepFilter>('all');
  const [text, setText] = useState('');
  const [zoom, setZoom] = useState<Span | null>(null);
  const [selected, setSelected] = useState(-1);
  const [hovered, setHovered] = useState<number | null>(null);

  const rows = useMemo(() => filterSteps(steps, stepFilter, text), [steps, stepFilter, text]);
  const [fold, setFold] = useState(true);
  const foldable = useMemo(() => foldedScale(steps, extent(steps)), [steps]);
  const timeScale = useMemo(() => (fold ? foldable : linearScale(foldable.all)), [fold, foldable]);
  const colors = useMemo(() => {
    const named = [...serviceColors(steps)];
    return new Map(named.map(([service, color]) => [service, theme.visualization.getColorByName(color)]));
  }, [steps, theme]);
  const view = zoom ?? UNIT;
  const nameWidth = Math.round(Math.min(380, Math.max(110, width * 0.36)));
  const barWidth = Math.max(40, width - nameWidth - SCROLLBAR);
  const listHeight = Math.max(ROW_HEIGHT, Math.min(rows.length * ROW_HEIGHT, height));
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualRows(box, rows.length, ROW_HEIGHT, listHeight);
  const { show } = virtual;

  const select = useCallback(
    (index: number) => {
      setSelected(index);
      show(index);
    },
    [show]
  );
  const setView = useCallback((next: Span) => setZoom(next.from <= 0 && next.to >= 1 ? null : next), []);
  const zoomTo = useCallback(
    (step: FlowStep) => {
      const from = positionOf(timeScale, step.offset_ms);
      const to = positionOf(timeScale, step.offset_ms + step.duration_ms);
      const margin = Math.max((to - from) * 0.1, 1e-6);
      setView({ from: Math.max(0, from - margin), to: Math.min(1, to + margin) });
    },
    [timeScale, setView]
  );

  useWheelZoom(box, (event) => {
    const target = event.currentTarget as HTMLElement;
    const x = Math.min(1, Math.max(0, (event.clientX - target.getBoundingClientRect().left - nameWidth) / barWidth));
    setView(zoomed(view, UNIT, event.deltaY > 0 ? 1.25 : 0.8, view.from + x * (view.to - view.from)));
  });

  const toggleFold = () => {
    setFold(!fold);
    setZoom(null);
  };
  const next = (wanted: (step: FlowStep) => boolean) => {
    for (let i = 1; i <= rows.length; i++) {
      const index = (selected + i + rows.length) % rows.length;
      const step = rows[index];
      if (step && wanted(step)) {
        return select(index);
      }
    }
  };
  const middle = (view.from + view.to) / 2;
  const keys: Record<string, () => void> = {
    ArrowDown: () => select(Math.min(rows.length - 1, selected + 1)),
    ArrowUp: () => select(Math.max(0, selected - 1)),
    PageDown: () => select(Math.min(rows.length - 1, selected + virtual.perPage)),
    PageUp: () => select(Math.max(0, selected - virtual.perPage)),
    Home: () => select(0),
    End: () => select(rows.length - 1),
    ArrowLeft: () => setView(panned(view, UNIT, -(view.to - view.from) / 5)),
    ArrowRight: () => setView(panned(view, UNIT, (view.to - view.from) / 5)),
    '+': () => setView(zoomed(view, UNIT, 0.5, middle)),
    '=': () => setView(zoomed(view, UNIT, 0.5, middle)),
    '-': () => setView(zoomed(view, UNIT, 2, middle)),
    '0': () => setZoom(null),
    f: () => toggleFold(),
    b: () => next((step) => step.is_bottleneck),
    e: () => next(isError),
    Enter: () => rows[selected] && zoomTo(rows[selected]),
  };

  const scale = barWidth / (view.to - view.from);
  const x = (at: number) => (positionOf(timeScale, at) - view.from) * scale;
  const axis = axisTicks(timeScale, view, barWidth);
  const breaks = timeScale.segments.filter(
    (segment) => segment.folded && segment.right > view.from && segment.left < view.to
  );
  const shown = rows[hovered ?? selected];

  return (
    <div className={styles.wrap}>
      <div className={styles.tools}>
        <RadioButtonGroup<StepFilter>
          size="sm"
          aria-label="Which steps"
          options={STEP_FILTERS}
          disabledOptions={steps.some(isError) ? [] : ['errors']}
          value={stepFilter}
          onChange={(value) => {
            setStepFilter(value);
            setSelected(-1);
          }}
        />
        {steps.length >= SEARCHABLE_COUNT ? (
          <Input
            width={24}
            aria-label="Find a step"
            placeholder="Find a step"
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
              setSelected(-1);
            }}
          />
        ) : null}
        {foldable.isFolded ? (
          <Button
            size="sm"
            variant="secondary"
            fill={fold ? 'solid' : 'outline'}
            icon="wrap-text"
            aria-pressed={fold}
            tooltip="Draws long stretches in which nothing starts or ends shorter than they were (f)"
            onClick={toggleFold}
          >
            Fold quiet time
          </Button>
        ) : null}
        {rows.length * ROW_HEIGHT > listHeight && rows.some((step) => step.is_bottleneck) ? (
          <Button
            size="sm"
            variant="secondary"
            fill="outline"
            icon="arrow-to-right"
            tooltip="Go to the next step of the bottleneck (b)"
            onClick={() => keys.b?.()}
          >
            Bottleneck
          </Button>
        ) : null}
        <span className={styles.space} />
        <span style={{ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }}>
          {rows.length === steps.length ? `${steps.length} steps` : `${rows.length} of ${steps.length} steps`}
        </span>
        <IconButton name="search-minus" tooltip="Zoom out (-)" disabled={!zoom} onClick={() => keys['-']?.()} />
        <IconButton name="search-plus" tooltip="Zoom in (+)" onClick={() => keys['+']?.()} />
        <IconButton name="arrows-h" tooltip="Show all (0)" disabled={!zoom} onClick={() => setZoom(null)} />
      </div>
      {height > 160 ? (
        <Overview
          steps={steps}
          colors={colors}
          timeScale={timeScale}
          view={view}
          left={nameWidth}
          width={barWidth}
          styles={styles}
          onView={setView}
        />
      ) : null}
      <div className={styles.axis} style={{ marginLeft: nameWidth, width: barWidth }} aria-hidden>
        {breaks.map((segment) => {
          const left = Math.max(0, (segment.left - view.from) * scale);
          const right = Math.min(barWidth, (segment.right - view.from) * scale);
          return (
            <span key={`break${segment.from}`} className={styles.breakLabel} style={{ left, width: right - left }}>
              {right - left > 50 ? `${formatDuration(segment.to - segment.from)} folded` : ''}
            </span>
          );
        })}
        {axis.map((mark) => (
          <span key={mark.at} className={styles.tick} style={{ left: Math.min(barWidth - 16, Math.max(10, mark.x)) }}>
            {formatDuration(mark.at)}
          </span>
        ))}
      </div>
      {rows.length === 0 ? (
        <div className={styles.empty}>No step matches. Show all steps or change the search text.</div>
      ) : (
        <div
          ref={box}
          className={styles.list}
          style={{ height: listHeight }}
          role="listbox"
          tabIndex={0}
          aria-label={`Execution flow. Arrow keys move, b finds the bottleneck, e the next error, plus and minus zoom, f folds quiet time.`}
          aria-activedescendant={
            selected >= virtual.first && selected < virtual.last ? `${listId}${selected}` : undefined
          }
          onScroll={virtual.onScroll}
          onKeyDown={(event) => {
            const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
            if (action) {
              event.preventDefault();
              event.stopPropagation();
              action();
            }
          }}
        >
          <div role="presentation" style={{ height: virtual.total, position: 'relative' }}>
            {breaks.map((segment) => {
              const left = Math.max(0, (segment.left - view.from) * scale);
              const right = Math.min(barWidth, (segment.right - view.from) * scale);
              return (
                <span
                  key={`break${segment.from}`}
                  aria-hidden
                  className={styles.break}
                  style={{ left: nameWidth + left, width: right - left }}
                />
              );
            })}
            {axis.map((mark) => (
              <span key={mark.at} aria-hidden className={styles.grid} style={{ left: nameWidth + mark.x }} />
            ))}
            {rows.slice(virtual.first, virtual.last).map((step, at) => {
              const index = virtual.first + at;
              return (
                <StepRow
                  key={index}
                  id={`${listId}${index}`}
                  step={step}
                  index={index}
                  count={rows.length}
                  left={x(step.offset_ms)}
                  right={x(step.offset_ms + step.duration_ms)}
                  nameWidth={nameWidth}
                  barWidth={barWidth}
                  color={colors.get(step.service) ?? theme.colors.text.disabled}
                  selected={index === selected}
                  styles={styles}
                  onSelect={select}
                  onZoom={zoomTo}
                  onHover={setHovered}
                />
              );
            })}
          </div>
        </div>
      )}
      <StepDetail step={shown} link={shown ? context.link(shown.trace_id, shown.span_id) : undefined} styles={styles} />
      <Legend steps={steps} styles={styles} />
    </div>
  );
}

/** Zooms with Ctrl and the wheel. React's own wheel handler cannot prevent the page from zooming too. */
function useWheelZoom(box: React.RefObject<HTMLElement | null>, onZoom: (event: WheelEvent) => void) {
  const latest = useRef(onZoom);
  useEffect(() => {
    latest.current = onZoom;
  });
  useEffect(() => {
    const element = box.current;
    const listen = (event: WheelEvent) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        latest.current(event);
      }
    };
    element?.addEventListener('wheel', listen, { passive: false });
    return () => element?.removeEventListener('wheel', listen);
  }, [box]);
}
