import React from 'react';
import { useTheme2 } from '@grafana/ui';
import { formatDuration } from '../../shared/duration';
import { type WorkerSelection } from '../../shared/record.generated';
import { workerStatusLabel } from '../../shared/verdict';
import { type CellContext, clock, SpanCell } from './cells';
import { ListTable } from './ListTable';

const count = (value: number | null) => value ?? '–';

/** Each worker selection, with the number of workers to choose from. */
export function Workers({ workers, context }: { workers: WorkerSelection[]; context: CellContext }) {
  const theme = useTheme2();
  return (
    <ListTable
      label="Worker selections"
      rows={workers}
      keyOf={(worker, index) => `${worker.span_id}${index}`}
      columns={[
        { name: 'Time', cell: (worker) => clock(worker.time, context.timeZone) },
        {
          name: 'Step',
          cell: (worker) => (
            <SpanCell
              span={worker.span}
              service={worker.worker_type ?? worker.operation_type}
              href={context.link(worker.trace_id, worker.span_id)}
            />
          ),
        },
        {
          name: 'Outcome',
          cell: ({ worker_status: status }) =>
            status ? (
              <span style={{ color: status === 'SUCCESS' ? theme.colors.success.text : theme.colors.error.text }}>
                {workerStatusLabel(status)}
              </span>
            ) : (
              'unknown'
            ),
        },
        { name: 'Registered', align: 'right', cell: (worker) => count(worker.total) },
        { name: 'Capable', align: 'right', cell: (worker) => count(worker.capable) },
        { name: 'Free', align: 'right', cell: (worker) => count(worker.available) },
        { name: 'Chosen', cell: (worker) => worker.worker_id ?? '–' },
        { name: 'Took', align: 'right', cell: (worker) => formatDuration(worker.duration_ms) },
      ]}
    />
  );
}
