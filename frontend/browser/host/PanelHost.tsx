// Takes the place of a dashboard around a panel: runs the queries, keeps the answers, renders the border.
import * as React from 'react';
import {
  applyFieldOverrides,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  EventBusSrv,
  LoadingState,
  type PanelData,
} from '@grafana/data';
import { PanelChrome, useTheme2 } from '@grafana/ui';
import { from } from 'rxjs';

export interface PanelSize {
  width?: number;
  height?: number;
}

interface Props {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  plugin: any;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  source: { query: (request: any) => any };
  request: DataQueryRequest;
  size: PanelSize;
  options: object;
  title?: string;
  description?: string;
}

const FIELD_CONFIG = { defaults: {}, overrides: [] };

export function PanelHost({ plugin, source, request, size, options, title, description }: Props) {
  const theme = useTheme2();
  const { width = 1100, height = 720 } = size;
  const [data, setData] = React.useState<PanelData>({
    series: [],
    state: LoadingState.Loading,
    timeRange: request.range,
  });

  React.useEffect(() => {
    const packets = new Map<string, DataFrame[]>();
    const subscription = from(source.query(request)).subscribe({
      next: (answer) => {
        const { key = 'A', data: frames, errors, error, state } = answer as DataQueryResponse;
        packets.set(key, frames as DataFrame[]);
        const series = applyFieldOverrides({
          data: [...packets.values()].flat(),
          fieldConfig: FIELD_CONFIG,
          theme,
          replaceVariables: (text: string) => text,
          timeZone: 'utc',
        });
        const problems = errors ?? (error ? [error] : undefined);
        setData({
          series,
          state: problems ? LoadingState.Error : (state ?? LoadingState.Done),
          errors: problems,
          timeRange: request.range,
          request,
        });
      },
      error: (error: Error) =>
        setData({
          series: [],
          state: LoadingState.Error,
          errors: [{ message: error.message }],
          timeRange: request.range,
        }),
    });
    return () => subscription.unsubscribe();
  }, [source, request, theme]);

  const Panel = plugin.panel;
  return (
    <PanelChrome title={title ?? 'Diagnosis'} description={description} width={width} height={height}>
      {(innerWidth: number, innerHeight: number) => (
        <Panel
          id={1}
          title={title ?? 'Diagnosis'}
          width={innerWidth}
          height={innerHeight}
          options={{ ...plugin.defaults, ...options }}
          fieldConfig={FIELD_CONFIG}
          timeRange={request.range}
          timeZone="utc"
          transparent={false}
          renderCounter={0}
          eventBus={new EventBusSrv()}
          replaceVariables={(text: string) => text}
          onOptionsChange={() => {}}
          onFieldConfigChange={() => {}}
          onChangeTimeRange={() => {}}
          data={data}
        />
      )}
    </PanelChrome>
  );
}
