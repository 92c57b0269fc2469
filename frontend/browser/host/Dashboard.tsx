// A whole dashboard on Grafana's grid. The Diagnosis panel, tables, stats and the node graph show the answers of our data
// source. Panels with Prometheus queries show only their title and the names of their series.
import * as React from 'react';
import { type DataFrame, getDisplayProcessor, getFieldDisplayName } from '@grafana/data';
import { BigValue, PanelChrome, useTheme2, VizLegend } from '@grafana/ui';
import { NodeGraph } from './NodeGraph';
import { PanelHost, type PanelSize } from './PanelHost';
import { Table } from './Table';

/* eslint-disable @typescript-eslint/no-explicit-any */

/** A panel's model with the frames that it renders; none if its data source is not ours. */
export interface Drawn {
  model: any;
  frames?: DataFrame[];
}

interface Props {
  panels: Drawn[];
  width: number;
  plugin: any;
  source: any;
  request: (targets: any[]) => any;
}

const ROW = 30;
const GAP = 8;
/** Below this width Grafana stacks panels. */
const NARROW = 769;

export function Dashboard({ panels, width, plugin, source, request }: Props) {
  const narrow = width < NARROW;
  const inner = width - 32;
  const column = (inner - GAP * 23) / 24;
  let bottom = 0;
  const place = ({ x, y, w, h }: { x: number; y: number; w: number; h: number }) => {
    const height = h * ROW + (h - 1) * GAP;
    if (narrow) {
      const top = bottom;
      bottom += height + GAP;
      return { left: 0, top, width: inner, height };
    }
    const top = y * (ROW + GAP);
    bottom = Math.max(bottom, top + height + GAP);
    return { left: x * (column + GAP), top, width: w * column + (w - 1) * GAP, height };
  };
  const placed = panels.map((panel) => ({ ...panel, at: place(panel.model.gridPos) }));
  return (
    <div style={{ position: 'relative', height: bottom }}>
      {placed.map(({ model, frames, at }) => (
        <div key={model.id} data-panel={model.id} style={{ position: 'absolute', ...at }}>
          <Panel model={model} frames={frames} size={at} plugin={plugin} source={source} request={request} />
        </div>
      ))}
    </div>
  );
}

interface PanelProps extends Omit<Props, 'panels' | 'width'> {
  model: any;
  frames?: DataFrame[];
  size: PanelSize;
}

function Panel({ model, frames, size, plugin, source, request }: PanelProps) {
  const { title, description, type, targets, options, fieldConfig } = model;
  const theme = useTheme2();
  const chrome = { title, description, width: size.width!, height: size.height! };
  if (type === 'row') {
    return <h3 style={{ fontSize: 16, margin: 0 }}>{title}</h3>;
  }
  if (type === 'ktrdr-diagnosis-panel') {
    return (
      <PanelHost
        plugin={plugin}
        source={source}
        request={request(targets)}
        size={size}
        {...{ options, title, description }}
      />
    );
  }
  if (type === 'table' && frames?.[0]) {
    return <Table frame={frames[0]} size={size} fieldConfig={fieldConfig} {...{ title, description }} />;
  }
  if (type === 'nodeGraph' && frames) {
    return <NodeGraph frames={frames} title={title} size={size} />;
  }
  const named = (frames ?? []).flatMap((frame) =>
    frame.fields
      .filter(({ type: kind }) => kind === 'number')
      .map((field) => ({ field, name: getFieldDisplayName(field, frame, frames) }))
  );
  if (type === 'stat') {
    const values = named.map(({ field, name }) => {
      const sum = field.values.reduce((all: number, value: number | null) => all + (value ?? 0), 0);
      return { ...(field.display ?? getDisplayProcessor({ field, theme }))(sum), title: name };
    });
    const shown =
      values.length > 0 ? values : [{ text: '0', numeric: 0, color: theme.visualization.getColorByName('green') }];
    return (
      <PanelChrome {...chrome}>
        {(innerWidth: number, innerHeight: number) => (
          <div style={{ display: 'flex', gap: 4 }}>
            {shown.map((value, at) => (
              <BigValue
                key={at}
                theme={theme}
                value={value as never}
                width={(innerWidth - 4 * (shown.length - 1)) / shown.length}
                height={innerHeight}
                colorMode={options.colorMode}
                graphMode={'none' as never}
                textMode={options.textMode}
                count={shown.length}
              />
            ))}
          </div>
        )}
      </PanelChrome>
    );
  }
  const series = named.length > 0 ? named.map(({ name }) => name) : targets.map((target: any) => target.legendFormat);
  return (
    <PanelChrome {...chrome}>
      {() => (
        <div data-testid="series">
          <VizLegend
            displayMode={'list' as never}
            placement="bottom"
            items={series.filter(Boolean).map((label: string, at: number) => ({
              label,
              yAxis: 1,
              color: (named[at]?.field.config.color?.fixedColor &&
                theme.visualization.getColorByName(named[at].field.config.color.fixedColor)) as string,
            }))}
          />
        </div>
      )}
    </PanelChrome>
  );
}
