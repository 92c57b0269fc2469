import React from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2 } from '@grafana/ui';

/** A warning under a field. The value can still be sent. */
export function Hint({ text }: { text?: string }) {
  const styles = useStyles2(getStyles);
  return (
    <div role="status" className={text ? styles.hint : undefined}>
      {text && (
        <>
          <Icon name="exclamation-triangle" size="sm" /> {text}
        </>
      )}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  hint: css({
    marginTop: theme.spacing(0.5),
    maxWidth: 460,
    color: theme.colors.warning.text,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
});
