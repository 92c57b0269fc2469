import React from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2, type QueryEditorHelpProps } from '@grafana/data';
import { Button, useStyles2 } from '@grafana/ui';
import { type KtrdrQuery } from '../query';

interface Example {
  title: string;
  text: string;
  query: Omit<KtrdrQuery, 'refId'>;
}

const EXAMPLES: Example[] = [
  {
    title: 'What is wrong right now?',
    text: 'Operations that are stuck, failed, without worker or cut off from a service.',
    query: {
      queryType: 'operations',
      limit: 50,
      filters: { verdicts: ['stuck', 'failed', 'no_workers', 'unreachable', 'missing_data'] },
    },
  },
  {
    title: 'What changed?',
    text: 'Compares the time range with the time before it, or with a range of your choice, and ranks what deviates.',
    query: { queryType: 'culprits' },
  },
  {
    title: 'Why is this operation stuck, slow or failed?',
    text: 'Enter an operation id or a trace id; the time range does not matter.',
    query: { queryType: 'diagnosis', operationId: '' },
  },
  {
    title: 'Which trainings took more than half an hour?',
    text: 'Filter by type, service, duration and any span attribute.',
    query: { queryType: 'operations', limit: 50, filters: { types: ['training'], minDuration: '30m' } },
  },
  {
    title: 'Which calls were refused?',
    text: 'Tags are written in logfmt: name=value, with quotes around values that have spaces.',
    query: { queryType: 'operations', limit: 50, filters: { tags: 'http.status_code=503' } },
  },
  {
    title: 'How many operations fail, by type?',
    text: 'One number per group, for stats, bar charts and alert rules.',
    query: { queryType: 'metric', measure: 'failure_ratio', groupBy: ['operation_type'], format: 'numeric' },
  },
  {
    title: 'Where does the time go?',
    text: 'Counts operations by their bottleneck, over time.',
    query: { queryType: 'metric', measure: 'count', groupBy: ['bottleneck_span'], format: 'timeseries' },
  },
];

/** Example queries that run when clicked. */
export function QueryHelp({ onClickExample, query }: QueryEditorHelpProps<KtrdrQuery>) {
  const styles = useStyles2(getStyles);
  return (
    <div>
      <h2>Query KTRDR Diagnosis</h2>
      {EXAMPLES.map((example) => (
        <section key={example.title} className={styles.example}>
          <h3 className={styles.title}>{example.title}</h3>
          <p>{example.text}</p>
          <Button
            size="sm"
            variant="secondary"
            icon="play"
            aria-label={`Run this query: ${example.title}`}
            onClick={() => onClickExample({ refId: query?.refId ?? 'A', ...example.query })}
          >
            Run this query
          </Button>
        </section>
      ))}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  example: css({ marginBottom: theme.spacing(3) }),
  title: css({ fontSize: theme.typography.h5.fontSize, marginBottom: theme.spacing(0.5) }),
});
