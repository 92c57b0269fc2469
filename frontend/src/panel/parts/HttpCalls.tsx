import React from 'react';
import { useTheme2 } from '@grafana/ui';
import { formatDuration } from '../../shared/duration';
import { type HttpCall } from '../../shared/record.generated';
import { type CellContext, clock, SpanCell } from './cells';
import { ListTable } from './ListTable';

/** All calls; those without an answer or with an error are highlighted. */
export function HttpCalls({ calls, context }: { calls: HttpCall[]; context: CellContext }) {
  const theme = useTheme2();
  const outcome = ({ status_code: status, error_type: error }: HttpCall) => {
    const bad = status === null || status >= 400;
    return (
      <span style={{ color: bad ? theme.colors.error.text : undefined }}>
        {status ?? 'no answer'}
        {error ? ` ${error}` : ''}
      </span>
    );
  };
  return (
    <ListTable
      label="HTTP calls"
      rows={calls}
      keyOf={(call, index) => `${call.span_id}${index}`}
      columns={[
        { name: 'Time', cell: (call) => clock(call.time, context.timeZone) },
        {
          name: 'Call',
          wide: true,
          cell: (call) => (
            <SpanCell
              span={[call.method, call.route ?? call.url].filter(Boolean).join(' ') || 'HTTP call'}
              service={`${call.service} → ${call.target_service ?? 'unknown'}`}
              href={context.link(call.trace_id, call.span_id)}
            />
          ),
        },
        { name: 'Answer', cell: outcome },
        { name: 'Duration', align: 'right', cell: (call) => formatDuration(call.duration_ms) },
      ]}
    />
  );
}
