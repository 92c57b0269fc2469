import React, { useState } from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { Button, Icon, TextLink, useStyles2 } from '@grafana/ui';
import { type Diagnosis, type ErrorEntry } from '../../shared/record.generated';
import { type CellContext, clock, SpanCell } from './cells';
import { CopyButton } from './SolutionText';
import { ListTable } from './ListTable';

interface Props {
  operation: Diagnosis;
  errors: ErrorEntry[];
  context: CellContext;
}

/** The origin of the error, its path, and all errors of the operation. */
export function Errors({ operation, errors, context }: Props) {
  const styles = useStyles2(getStyles);
  const { error_type: type, error_message: message, error_stacktrace: stack, error_path: path } = operation;
  return (
    <div className={styles.wrap}>
      {type || message ? (
        <section className={styles.origin} aria-label="Origin of the error">
          <div className={styles.type}>
            <Icon name="exclamation-circle" /> {type ?? 'Error'}
            {operation.error_span ? (
              <span className={styles.where}>
                in{' '}
                <Place
                  text={`${operation.error_span} (${operation.error_service ?? 'unknown service'})`}
                  href={context.link(errorTrace(operation, errors), operation.error_span_id)}
                />
              </span>
            ) : null}
          </div>
          {message ? <p className={styles.message}>{message}</p> : null}
          {path.length > 1 ? (
            <ol className={styles.path} aria-label="The path of the error, origin first">
              {path.map((step, index) => (
                <li key={`${step.span_id}${index}`} className={styles.step}>
                  {index > 0 ? <Icon name="arrow-right" size="sm" aria-hidden /> : null}
                  <span>
                    {step.span} <span className={styles.dim}>{step.service}</span>
                  </span>
                </li>
              ))}
            </ol>
          ) : null}
          {stack ? <StackTrace text={stack} /> : null}
        </section>
      ) : null}
      {errors.length > 0 ? (
        <ListTable
          label="Errors"
          rows={errors}
          keyOf={(entry, index) => `${entry.span_id}${index}`}
          columns={[
            { name: 'Time', cell: (entry) => clock(entry.time, context.timeZone) },
            { name: 'Role', cell: (entry) => entry.role },
            { name: 'Class', cell: (entry) => entry.error_type ?? '–' },
            { name: 'Message', wide: true, cell: (entry) => entry.error_message ?? '–' },
            {
              name: 'Where',
              cell: (entry) => (
                <SpanCell
                  span={entry.span}
                  service={entry.service}
                  href={context.link(entry.trace_id, entry.span_id)}
                />
              ),
            },
          ]}
        />
      ) : null}
    </div>
  );
}

/** The trace of the origin; an operation may have several traces. */
const errorTrace = (operation: Diagnosis, errors: ErrorEntry[]) =>
  errors.find((entry) => entry.span_id === operation.error_span_id)?.trace_id ?? operation.trace_id;

function Place({ text, href }: { text: string; href?: string }) {
  return href ? (
    <TextLink href={href} external inline>
      {text}
    </TextLink>
  ) : (
    <>{text}</>
  );
}

function StackTrace({ text }: { text: string }) {
  const styles = useStyles2(getStyles);
  const [open, setOpen] = useState(false);
  return (
    <div>
      <Button
        size="sm"
        variant="secondary"
        fill="text"
        icon={open ? 'angle-down' : 'angle-right'}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        Stack trace
      </Button>
      <CopyButton what={text} label="Copy the stack trace" />
      {open ? (
        <pre className={styles.stack} tabIndex={0}>
          {text}
        </pre>
      ) : null}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  wrap: css({ display: 'grid', gap: theme.spacing(1.5) }),
  origin: css({
    borderLeft: `3px solid ${theme.colors.error.main}`,
    paddingLeft: theme.spacing(1.25),
    minWidth: 0,
  }),
  type: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(0.75),
    color: theme.colors.error.text,
    fontWeight: theme.typography.fontWeightMedium,
  }),
  where: css({ color: theme.colors.text.primary, fontWeight: theme.typography.fontWeightRegular }),
  message: css({
    margin: theme.spacing(0.5, 0),
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: theme.typography.bodySmall.fontSize,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
  }),
  path: css({
    listStyle: 'none',
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(0.25, 0.75),
    margin: theme.spacing(0.5, 0),
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  step: css({ display: 'inline-flex', alignItems: 'center', gap: theme.spacing(0.75) }),
  dim: css({ color: theme.colors.text.secondary }),
  stack: css({
    margin: theme.spacing(0.5, 0, 0),
    maxHeight: 280,
    overflow: 'auto',
    fontSize: theme.typography.bodySmall.fontSize,
    whiteSpace: 'pre',
  }),
});
