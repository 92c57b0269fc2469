import React from 'react';
import { type Evidence } from '../../shared/record.generated';
import { type CellContext, clock, SpanCell } from './cells';
import { ListTable } from './ListTable';

/** The evidence: the spans and attributes behind each finding. */
export function EvidenceList({ evidence, context }: { evidence: Evidence[]; context: CellContext }) {
  return (
    <ListTable
      label="Evidence"
      rows={evidence}
      keyOf={(item, index) => `${item.rule}${item.span_id}${item.key}${index}`}
      columns={[
        { name: 'Time', cell: (item) => clock(item.at, context.timeZone) },
        {
          name: 'What was found',
          wide: true,
          cell: (item) => (
            <>
              <code style={{ background: 'none', border: 0, padding: 0, margin: 0, whiteSpace: 'normal' }}>
                {item.key}
              </code>
              {item.value ? ` = ${item.value}` : ''}
            </>
          ),
        },
        {
          name: 'Where',
          cell: (item) =>
            item.span || item.service ? (
              <SpanCell span={item.span} service={item.service} href={context.link(item.trace_id, item.span_id)} />
            ) : (
              item.kind
            ),
        },
        { name: 'Rule', cell: (item) => <span title={item.summary || undefined}>{item.rule}</span> },
      ]}
    />
  );
}
