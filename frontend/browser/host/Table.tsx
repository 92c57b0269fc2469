// Grafana's table panel, as rendered by dashboards, and by Explore if a frame requests it. Uses the table of 12.2 and later
// if the packages contain it, else the older one.
import * as React from 'react';
import { cacheFieldDisplayNames, type DataFrame, type FieldConfigSource } from '@grafana/data';
import { PanelChrome, Table as OlderTable } from '@grafana/ui';
import * as unstable from '@grafana/ui/unstable';
import { type PanelSize } from './PanelHost';

/* eslint-disable @typescript-eslint/no-explicit-any */
// Spread, because 11.6 does not export it and the bundler would report an error.
const Grid: React.ComponentType<any> = ({ ...unstable } as any).TableNG ?? OlderTable;

interface Props {
  frame: DataFrame;
  title: string;
  description?: string;
  size: PanelSize;
  fieldConfig?: FieldConfigSource;
}

export function Table({ frame, title, description, size, fieldConfig }: Props) {
  const { width = 1100, height = 400 } = size;
  // The newer table reads the names from here.
  React.useMemo(() => cacheFieldDisplayNames([frame]), [frame]);
  return (
    <div data-testid="table">
      <PanelChrome title={title} description={description} width={width} height={height} padding="none">
        {(innerWidth: number, innerHeight: number) => (
          <Grid data={frame} width={innerWidth} height={innerHeight} fieldConfig={fieldConfig} structureRev={1} />
        )}
      </PanelChrome>
    </div>
  );
}
