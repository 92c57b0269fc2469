import { useEffect, useState } from 'react';
import { CoreApp, type DataFrame, type DataQueryRequest, type DataQueryResponse, type PanelData } from '@grafana/data';
import { type DataSourceRef } from '@grafana/schema';
import { getDataSourceSrv } from '@grafana/runtime';
import { from, switchMap } from 'rxjs';
import { type Diagnosis } from '../shared/record.generated';
import { keyOf, type Model, readModel } from './readFrames';

export interface Detail {
  model?: Model;
  loading: boolean;
  problem?: string;
}

interface Answer {
  key: string;
  /** The list's frames when the detail was requested. */
  series: DataFrame[];
  model?: Model;
  problem?: string;
}

/** What to request, and a key that stays the same while the list is refreshed. */
export interface DetailTarget {
  key: string;
  /** Operation id or trace id. */
  id: string | null;
}

/** The operation as a target. */
export const targetOf = (operation: Diagnosis): DetailTarget => ({
  key: keyOf(operation),
  id: operation.operation_id ?? operation.trace_id,
});

/** Requests one operation's diagnosis from the data source of the list, and again whenever the list is refreshed. */
export function useOperationDetail(
  target: DetailTarget | undefined,
  datasource: DataSourceRef | undefined,
  data: PanelData
): Detail {
  const id = target?.id;
  const key = target?.key;
  const [answer, setAnswer] = useState<Answer>();
  const uid = datasource?.uid;
  const { series } = data;

  useEffect(() => {
    if (!key || !id || !uid) {
      return undefined;
    }
    const packets = new Map<string, DataFrame[]>();
    const subscription = from(getDataSourceSrv().get({ uid }))
      .pipe(switchMap((source) => from(source.query(requestFor(id, uid, data)))))
      .subscribe({
        next: (packet: DataQueryResponse) => {
          packets.set(packet.key ?? '', packet.data);
          const model = readModel({ series: [...packets.values()].flat() });
          setAnswer({ key, series, model, problem: packet.errors?.[0]?.message });
        },
        error: (error: Error) => setAnswer({ key, series, problem: error.message }),
      });
    return () => subscription.unsubscribe();
    // A refresh of the list brings new series; the rest of `data` changes with every message.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, id, uid, series]);

  if (!key) {
    return { loading: false };
  }
  if (!id) {
    return {
      loading: false,
      problem: 'This operation has neither an id nor a trace id, so its details cannot be requested.',
    };
  }
  if (!uid) {
    return {
      loading: false,
      problem: 'This panel does not know which data source the list came from. Use a query of type Diagnosis instead.',
    };
  }
  return answer?.key === key ? { ...answer, loading: answer.series !== series } : { loading: true };
}

let requestCount = 0;

function requestFor(operationId: string, uid: string, data: PanelData): DataQueryRequest {
  requestCount += 1;
  const target = { refId: 'diagnosis', queryType: 'diagnosis', operationId, datasource: { uid } };
  return {
    app: CoreApp.Dashboard,
    timezone: 'browser',
    interval: '1s',
    intervalMs: 1000,
    maxDataPoints: 500,
    scopedVars: {},
    ...data.request,
    range: data.timeRange,
    requestId: `ktrdr-diagnosis-${requestCount}`,
    startTime: Date.now(),
    targets: [target],
  };
}
