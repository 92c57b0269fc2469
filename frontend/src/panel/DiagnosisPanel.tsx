import React, { useMemo, useState } from 'react';
import { LoadingState, type PanelProps } from '@grafana/data';
import { Alert } from '@grafana/ui';
import { keyOf, noLists, readModel } from './readFrames';
import { ComparisonView } from './comparison/ComparisonView';
import { Message } from './Message';
import { OperationList } from './OperationList';
import { OperationView } from './OperationView';
import { DEFAULTS, type PanelOptions } from './options';
import { useEscape } from './useEscape';
import { targetOf, useOperationDetail } from './useOperationDetail';

type Props = PanelProps<PanelOptions>;

const NO_LISTS = noLists();

/** The panel: one operation in full, or a list of operations that can be opened. */
export function DiagnosisPanel({ data, width, height, options: given, timeZone }: Props) {
  const options = useMemo(() => ({ ...DEFAULTS, ...given }), [given]);
  const model = useMemo(() => readModel({ series: data.series, request: data.request }), [data.series, data.request]);
  const [chosen, setChosen] = useState<{ key: string; open: boolean }>();

  const single = model.operations.length === 1 ? model.operations[0] : undefined;
  const opened = chosen?.open ? model.operations.find((operation) => keyOf(operation) === chosen.key) : undefined;
  // The lists of an answer belong to its first operation; those of another one are requested.
  const operation = single ?? opened;
  const own = operation && model.hasLists && keyOf(operation) === keyOf(model.operations[0]!);
  const detail = useOperationDetail(operation && !own ? targetOf(operation) : undefined, model.datasource, data);
  const back = single ? undefined : () => setChosen((last) => last && { ...last, open: false });
  useEscape(opened && !single ? back : undefined);

  const error = data.errors?.[0]?.message;
  if (!operation && model.operations.length === 0 && model.comparison) {
    return (
      <ComparisonView
        comparison={model.comparison}
        datasource={model.datasource}
        data={data}
        options={options}
        width={width}
        height={height}
        timeZone={timeZone}
      />
    );
  }
  if (!operation) {
    return (
      <div style={{ width, height, overflow: 'hidden' }} data-testid="ktrdr-diagnosis">
        {model.operations.length > 0 ? (
          <OperationList
            operations={model.operations}
            options={options}
            width={width}
            height={height}
            timeZone={timeZone}
            last={chosen?.key}
            onOpen={(key) => setChosen({ key, open: true })}
          />
        ) : (
          <EmptyState state={data.state} error={error} foreign={model.foreign} />
        )}
      </div>
    );
  }

  const full = own
    ? operation
    : (detail.model?.operations.find((found) => keyOf(found) === keyOf(operation)) ?? operation);
  const lists = own ? model.lists : (detail.model?.lists ?? NO_LISTS);
  const problem = own ? error : (detail.problem ?? error);
  return (
    <div style={{ width, height, overflowX: 'hidden', overflowY: 'auto' }} data-testid="ktrdr-diagnosis">
      <OperationView
        operation={full}
        lists={lists}
        options={options}
        width={width - 4}
        height={height}
        timeZone={timeZone}
        datasource={model.datasource}
        loading={!own && detail.loading}
        onBack={back}
      >
        {problem ? (
          <Alert severity="warning" title="The evidence could not be fetched">
            {problem}
          </Alert>
        ) : null}
      </OperationView>
    </div>
  );
}

function EmptyState({ state, error, foreign }: { state: LoadingState; error?: string; foreign: string[] }) {
  if (error) {
    return (
      <Message icon="exclamation-triangle" title="The diagnosis failed" alert>
        {error}
      </Message>
    );
  }
  if (state === LoadingState.Loading || state === LoadingState.NotStarted) {
    return <Message icon="sync" title="Diagnosing …" />;
  }
  if (foreign.length > 0) {
    return (
      <Message icon="info-circle" title="This panel shows diagnoses">
        It received other data ({foreign.slice(0, 3).join(', ')}). Choose the data source KTRDR Diagnosis and the query
        type Operations, Diagnosis or What changed.
      </Message>
    );
  }
  return (
    <Message icon="search" title="No operations">
      No operation was found in this time range. Widen it, remove filters, or enter an operation id if the query needs
      one.
    </Message>
  );
}
