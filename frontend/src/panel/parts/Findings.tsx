import React from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2, useTheme2 } from '@grafana/ui';
import { type Finding } from '../../shared/record.generated';
import { severityLabel, tone, verdictDisplay } from '../../shared/verdict';
import { SolutionText } from './SolutionText';

/** The other findings, and the remarks. */
export function Findings({ findings, remarks }: { findings: Finding[]; remarks: string[] }) {
  const styles = useStyles2(getStyles);
  const theme = useTheme2();
  return (
    <ul className={styles.list}>
      {findings.map((finding, index) => {
        const colors = tone(theme, finding.severity, finding.verdict);
        return (
          <li key={`${finding.rule}${index}`} className={styles.item} style={{ borderLeftColor: colors.main }}>
            <div className={styles.summary}>
              <Icon
                name={verdictDisplay(finding.verdict).icon}
                style={{ color: colors.text }}
                title={severityLabel(finding.severity)}
              />
              <span>{finding.summary}</span>
              <code className={styles.rule}>{finding.rule}</code>
            </div>
            {finding.root_cause ? <p className={styles.text}>{finding.root_cause}</p> : null}
            {finding.solution ? <SolutionText text={finding.solution} /> : null}
          </li>
        );
      })}
      {remarks.map((remark) => (
        <li key={remark} className={styles.item}>
          <div className={styles.summary}>
            <Icon name="info-circle" title="Remark" />
            <span>{remark}</span>
          </div>
        </li>
      ))}
    </ul>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', display: 'grid', gap: theme.spacing(1), margin: 0 }),
  item: css({ borderLeft: `3px solid ${theme.colors.border.medium}`, padding: theme.spacing(0.25, 0, 0.25, 1.25) }),
  summary: css({ display: 'flex', alignItems: 'baseline', flexWrap: 'wrap', gap: theme.spacing(0.75) }),
  rule: css({
    background: 'none',
    border: 0,
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  text: css({ margin: theme.spacing(0.25, 0), color: theme.colors.text.secondary }),
});
