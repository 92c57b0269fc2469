import React from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2, type IconName } from '@grafana/data';
import { Icon, useStyles2 } from '@grafana/ui';

interface Props {
  icon: IconName;
  title: string;
  children?: React.ReactNode;
  alert?: boolean;
}

/** Shown instead of a diagnosis: says why there is none and what to do. */
export function Message({ icon, title, children, alert }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.wrap} role={alert ? 'alert' : 'status'}>
      <Icon name={icon} size="xl" className={alert ? styles.alert : styles.icon} />
      <div className={styles.title}>{title}</div>
      {children ? <div className={styles.text}>{children}</div> : null}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  wrap: css({
    height: '100%',
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    justifyContent: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(2),
    textAlign: 'center',
  }),
  icon: css({ color: theme.colors.text.secondary }),
  alert: css({ color: theme.colors.error.text }),
  title: css({ fontWeight: theme.typography.fontWeightMedium, overflowWrap: 'anywhere' }),
  text: css({ maxWidth: 520, color: theme.colors.text.secondary, overflowWrap: 'anywhere' }),
});
