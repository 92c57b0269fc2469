// No package contains Grafana's node graph. This sketch prints the same: strings unchanged, numbers with two digits and the
// id of their unit, cut at the width of a circle, and a legend with the columns' own names.
import * as React from 'react';
import { type DataFrame, type Field, type GrafanaTheme2 } from '@grafana/data';
import { PanelChrome, useTheme2 } from '@grafana/ui';
import { type PanelSize } from './PanelHost';

/** Radius of a circle, and the width of its labels, in pixels. */
const RADIUS = 40;
const TEXT = 70;
const APART = 150;

const field = (frame: DataFrame, name: string) => frame.fields.find((candidate) => candidate.name === name);

function printed(of: Field | undefined, row: number): string {
  const value = of?.values[row];
  if (typeof value !== 'number') {
    return value ?? '';
  }
  return value.toFixed(of?.config.decimals || 2) + (of?.config.unit ? ` ${of.config.unit}` : '');
}

export function NodeGraph({ frames, title, size }: { frames: DataFrame[]; title: string; size: PanelSize }) {
  const { width = 800, height = 400 } = size;
  const theme = useTheme2();
  const [nodes, edges] = frames;
  if (!nodes || !edges) {
    return null;
  }
  const arcs = nodes.fields.filter(({ name }) => name.startsWith('arc__'));
  const legend = [field(nodes, 'mainstat'), field(nodes, 'secondarystat'), ...arcs];
  const perRow = Math.max(1, Math.floor((width - 40) / APART));
  const place = (row: number) => ({ x: 70 + (row % perRow) * APART, y: 60 + Math.floor(row / perRow) * 160 });
  const rowOf = (id: string) => field(nodes, 'id')!.values.indexOf(id);
  return (
    <PanelChrome title={title} width={width} height={height}>
      {(innerWidth: number, innerHeight: number) => (
        <div data-testid="node-graph">
          <svg width={innerWidth} height={innerHeight - 24} style={{ fontSize: 10 }}>
            {Array.from({ length: edges.length }, (_, row) => {
              const from = place(rowOf(field(edges, 'source')!.values[row]));
              const to = place(rowOf(field(edges, 'target')!.values[row]));
              return (
                <g key={row}>
                  <line
                    x1={from.x}
                    y1={from.y}
                    x2={to.x}
                    y2={to.y}
                    stroke={field(edges, 'color')!.values[row]}
                    strokeWidth={field(edges, 'thickness')!.values[row]}
                  />
                </g>
              );
            })}
            {Array.from({ length: nodes.length }, (_, row) => (
              <Node key={row} nodes={nodes} arcs={arcs} row={row} {...place(row)} theme={theme} />
            ))}
          </svg>
          <ul style={{ display: 'flex', gap: 16, listStyle: 'none', margin: 0, fontSize: 12 }}>
            {legend.map((of) => (
              <li key={of!.name}>
                <span style={{ color: theme.visualization.getColorByName(of!.config.color?.fixedColor ?? '') }}>
                  ▬{' '}
                </span>
                {of!.config.displayName || of!.name}
              </li>
            ))}
          </ul>
          <ul hidden data-testid="edges">
            {Array.from({ length: edges.length }, (_, row) => (
              <li key={row}>
                {printed(field(edges, 'mainstat'), row)} / {printed(field(edges, 'secondarystat'), row)}
              </li>
            ))}
          </ul>
        </div>
      )}
    </PanelChrome>
  );
}

interface NodeProps {
  nodes: DataFrame;
  arcs: Field[];
  row: number;
  x: number;
  y: number;
  theme: GrafanaTheme2;
}

function Node({ nodes, arcs, row, x, y, theme }: NodeProps) {
  const around = 2 * Math.PI * RADIUS;
  let done = 0;
  const text: React.CSSProperties = {
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
    textAlign: 'center',
  };
  return (
    <g>
      <circle cx={x} cy={y} r={RADIUS} fill={theme.colors.background.primary} />
      {arcs.map((arc) => {
        const share = arc.values[row] as number;
        const start = done;
        done += share;
        return (
          <circle
            key={arc.name}
            cx={x}
            cy={y}
            r={RADIUS}
            fill="none"
            stroke={theme.visualization.getColorByName(arc.config.color?.fixedColor ?? '')}
            strokeWidth={2}
            strokeDasharray={`${share * around} ${around}`}
            strokeDashoffset={-start * around}
            transform={`rotate(-90 ${x} ${y})`}
          />
        );
      })}
      <foreignObject x={x - TEXT / 2} y={y - 15} width={TEXT} height={40}>
        <div data-testid="stats" style={{ ...text, width: TEXT }}>
          {printed(field(nodes, 'mainstat'), row)}
          <br />
          {printed(field(nodes, 'secondarystat'), row)}
        </div>
      </foreignObject>
      <foreignObject x={x - 50} y={y + RADIUS + 5} width={100} height={40}>
        <div style={{ ...text, width: 100 }}>
          {printed(field(nodes, 'title'), row)}
          <br />
          {printed(field(nodes, 'subtitle'), row)}
        </div>
      </foreignObject>
    </g>
  );
}
