import React from 'react';
import { type PanelData } from '@grafana/data';
import { type DataSourceRef, type TimeZone } from '@grafana/schema';
import { Button } from '@grafana/ui';
import { Message } from '../Message';
import { OperationView } from '../OperationView';
import { type PanelOptions } from '../options';
import { useEscape } from '../useEscape';
import { useOperationDetail } from '../useOperationDetail';

interface Props {
  traceId: string;
  datasource?: DataSourceRef;
  data: PanelData;
  options: PanelOptions;
  width: number;
  height: number;
  timeZone: TimeZone;
  onBack: () => void;
}

/** The operation of an example trace in full. */
export function ExampleView({ traceId, datasource, data, options, width, height, timeZone, onBack }: Props) {
  const detail = useOperationDetail({ key: traceId, id: traceId }, datasource, data);
  useEscape(onBack);
  const operation = detail.model?.operations[0];
  return (
    <div style={{ width, height, overflowX: 'hidden', overflowY: 'auto' }} data-testid="ktrdr-diagnosis">
      {operation && detail.model ? (
        <OperationView
          operation={operation}
          lists={detail.model.lists}
          options={options}
          width={width - 4}
          height={height}
          timeZone={timeZone}
          datasource={datasource}
          loading={detail.loading}
          onBack={onBack}
        />
      ) : (
        <>
          <Button size="sm" fill="text" icon="arrow-left" onClick={onBack}>
            Back to what changed
          </Button>
          {detail.loading ? (
            <Message icon="sync" title="Diagnosing …" />
          ) : (
            <Message icon="exclamation-triangle" title="The example could not be diagnosed" alert>
              {detail.problem ?? `Trace ${traceId} holds no operation.`}
            </Message>
          )}
        </>
      )}
    </div>
  );
}
