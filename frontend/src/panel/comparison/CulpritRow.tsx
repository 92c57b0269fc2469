import React, { useId } from 'react';
import { css, cx } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { type DataSourceRef } from '@grafana/schema';
import { Icon, useStyles2, useTheme2 } from '@grafana/ui';
import { confidenceMeaning, kindDisplay } from '../../shared/culprits';
import { formatShare } from '../../shared/duration';
import { type Culprit } from '../../shared/record.generated';
import { humanize, tone } from '../../shared/verdict';
import { CulpritDetail } from './CulpritDetail';
import { amountWords, placeWords } from './words';

interface Props {
  culprit: Culprit;
  narrow: boolean;
  open: boolean;
  datasource?: DataSourceRef;
  /** Whether the examples are operations, which can be diagnosed. */
  canDiagnose: boolean;
  onToggle: () => void;
  onDiagnose: (traceId: string) => void;
}

/** One culprit: where, in which way, by how much, how sure. A click opens its examples. */
export function CulpritRow({ culprit, narrow, open, datasource, canDiagnose, onToggle, onDiagnose }: Props) {
  const styles = useStyles2(getStyles);
  const id = useId();
  const kind = kindDisplay(culprit.kind);
  const share = formatShare(culprit.share);
  const theme = useTheme2();
  const color = tone(theme, culprit.kind === 'errors' ? 3 : 2);
  const confidence = `${humanize(culprit.confidence)} confidence`;
  return (
    <li className={styles.item} style={{ borderLeftColor: culprit.rank === 1 ? color.main : 'transparent' }}>
      <button
        type="button"
        className={cx(styles.row, narrow && styles.narrow)}
        aria-expanded={open}
        aria-controls={id}
        onClick={onToggle}
      >
        <span className={styles.rank}>{culprit.rank}</span>
        <span className={styles.middle}>
          <span className={styles.place}>
            <span className={styles.service}>{placeWords(culprit)}</span>
            <span className={styles.kind} title={kind.meaning}>
              <Icon name={kind.icon} size="sm" aria-hidden /> {kind.label}
            </span>
          </span>
          <span className={styles.summary}>{culprit.summary}</span>
        </span>
        <span className={styles.numbers}>
          <span className={styles.amount} style={{ color: color.text }}>
            {amountWords(culprit)}
          </span>
          <span className={styles.share} title={`${share} of the excess of all rows`}>
            <span className={styles.bar} aria-hidden>
              <span className={styles.fill} style={{ width: share.replace(' ', ''), background: color.main }} />
            </span>
            <span className={styles.percent}>{share}</span>
          </span>
          <span
            className={styles.confidence}
            style={culprit.confidence === 'low' ? { color: tone(theme, 2).text } : undefined}
            title={confidenceMeaning(culprit.confidence)}
          >
            {confidence}
          </span>
        </span>
        <Icon name={open ? 'angle-down' : 'angle-right'} className={styles.arrow} aria-hidden />
      </button>
      <div id={id} hidden={!open}>
        {open ? (
          <CulpritDetail
            narrow={narrow}
            culprit={culprit}
            datasource={datasource}
            onDiagnose={canDiagnose ? onDiagnose : undefined}
          />
        ) : null}
      </div>
    </li>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  item: css({ borderBottom: `1px solid ${theme.colors.border.weak}`, borderLeft: '3px solid' }),
  row: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1.5),
    width: '100%',
    padding: theme.spacing(0.75, 1),
    border: 0,
    background: 'none',
    color: theme.colors.text.primary,
    textAlign: 'left',
    // Secondary text has too little contrast on the usual colour of a row under the pointer.
    '&:hover': { background: theme.colors.background.secondary },
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: -2 },
  }),
  // The numbers have a line of their own, without fixed widths.
  narrow: css({
    flexWrap: 'wrap',
    columnGap: theme.spacing(1),
    rowGap: theme.spacing(0.25),
    '& > :nth-child(3)': { order: 1, width: '100%', paddingLeft: 28, gap: theme.spacing(1) },
    '& > :nth-child(3) > *': { width: 'auto' },
  }),
  rank: css({
    flexShrink: 0,
    width: 20,
    textAlign: 'right',
    color: theme.colors.text.secondary,
    fontSize: theme.typography.h5.fontSize,
    fontVariantNumeric: 'tabular-nums',
  }),
  middle: css({ flex: '1 1 200px', minWidth: 0, display: 'flex', flexDirection: 'column', lineHeight: 1.4 }),
  place: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', columnGap: theme.spacing(1) }),
  service: css({ fontWeight: theme.typography.fontWeightMedium, overflowWrap: 'anywhere' }),
  kind: css({
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(0.5),
    padding: theme.spacing(0, 0.75),
    borderRadius: theme.shape.radius.pill,
    border: `1px solid ${theme.colors.border.medium}`,
    fontSize: theme.typography.bodySmall.fontSize,
    lineHeight: '18px',
    whiteSpace: 'nowrap',
  }),
  summary: css({
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    overflowWrap: 'anywhere',
  }),
  numbers: css({ flexShrink: 0, display: 'flex', alignItems: 'center', gap: theme.spacing(1.5) }),
  amount: css({
    width: 96,
    textAlign: 'right',
    whiteSpace: 'nowrap',
    fontWeight: theme.typography.fontWeightMedium,
    fontVariantNumeric: 'tabular-nums',
  }),
  share: css({ display: 'inline-flex', alignItems: 'center', gap: theme.spacing(0.75) }),
  bar: css({
    width: 72,
    height: 6,
    borderRadius: 3,
    background: theme.colors.border.weak,
    overflow: 'hidden',
  }),
  fill: css({ display: 'block', height: '100%' }),
  percent: css({
    width: 40,
    fontSize: theme.typography.bodySmall.fontSize,
    fontVariantNumeric: 'tabular-nums',
    whiteSpace: 'nowrap',
  }),
  confidence: css({
    width: 128,
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    whiteSpace: 'nowrap',
  }),
  arrow: css({ flexShrink: 0, color: theme.colors.text.secondary }),
});
