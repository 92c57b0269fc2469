import React from 'react';
import { css } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { type TimeZone } from '@grafana/schema';
import { TextLink, useStyles2 } from '@grafana/ui';

/** What the lists need to render and link their rows. */
export interface CellContext {
  timeZone: TimeZone;
  link: (traceId: string | null | undefined, spanId?: string | null) => string | undefined;
}

export function SpanCell({ span, service, href }: { span: string | null; service: string | null; href?: string }) {
  const styles = useStyles2(getStyles);
  return (
    <>
      <div>
        {href ? (
          <TextLink href={href} external variant="bodySmall">
            {span ?? 'span'}
          </TextLink>
        ) : (
          span
        )}
      </div>
      <div className={styles.dim}>{service}</div>
    </>
  );
}

export const clock = (at: number | null, timeZone: TimeZone) =>
  at !== null ? dateTimeFormat(at, { timeZone, format: 'HH:mm:ss.SSS' }) : '';

const getStyles = (theme: GrafanaTheme2) => ({
  dim: css({ color: theme.colors.text.secondary }),
});
