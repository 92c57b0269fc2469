import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';

/** For text beside bars. */
const TINY = 10;

export const getTimelineStyles = (theme: GrafanaTheme2) => {
  const { colors } = theme;
  const hatch = (color: string) => `repeating-linear-gradient(135deg, ${color} 0 1px, transparent 1px 6px)`;
  return {
    wrap: css({ display: 'flex', flexDirection: 'column', minHeight: 0 }),
    tools: css({
      display: 'flex',
      flexWrap: 'wrap',
      alignItems: 'center',
      gap: theme.spacing(1),
      marginBottom: theme.spacing(1),
    }),
    space: css({ flexGrow: 1 }),
    overview: css({ display: 'block', cursor: 'crosshair', touchAction: 'none' }),
    overviewBox: css({ position: 'relative' }),
    brush: css({
      position: 'absolute',
      top: 0,
      bottom: 0,
      pointerEvents: 'none',
      background: colors.action.hover,
      border: `1px solid ${colors.border.strong}`,
    }),
    axis: css({
      position: 'relative',
      height: 20,
      borderBottom: `1px solid ${colors.border.weak}`,
      color: colors.text.secondary,
      fontSize: TINY,
    }),
    tick: css({ position: 'absolute', top: 2, transform: 'translateX(-50%)', whiteSpace: 'nowrap' }),
    list: css({
      position: 'relative',
      overflowY: 'auto',
      overflowX: 'hidden',
      overscrollBehavior: 'contain',
      '&:focus-visible': { outline: `2px solid ${colors.primary.main}`, outlineOffset: -2 },
    }),
    break: css({
      position: 'absolute',
      top: 0,
      bottom: 0,
      background: `repeating-linear-gradient(90deg, ${colors.border.weak} 0 1px, transparent 1px 5px)`,
    }),
    breakLabel: css({
      position: 'absolute',
      top: 2,
      textAlign: 'center',
      fontStyle: 'italic',
      whiteSpace: 'nowrap',
      overflow: 'hidden',
    }),
    grid: css({ position: 'absolute', top: 0, bottom: 0, width: 1, background: colors.border.weak }),
    row: css({
      position: 'absolute',
      left: 0,
      right: 0,
      '--dim': colors.text.secondary,
      display: 'flex',
      alignItems: 'center',
      cursor: 'default',
      '&:hover': { background: colors.action.hover },
    }),
    bottleneckRow: css({ '--dim': colors.text.primary, background: colors.warning.transparent }),
    selected: css({
      '--dim': colors.text.primary,
      background: colors.action.selected,
      boxShadow: `inset 3px 0 0 ${colors.primary.main}`,
      '&:hover': { background: colors.action.selected },
    }),
    name: css({
      flexShrink: 0,
      display: 'flex',
      alignItems: 'center',
      gap: 6,
      paddingRight: 8,
      overflow: 'hidden',
      fontSize: theme.typography.bodySmall.fontSize,
    }),
    dot: css({ flexShrink: 0, width: 8, height: 8, borderRadius: 2 }),
    words: css({ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
    gapWords: css({ fontStyle: 'italic', color: 'var(--dim)' }),
    errorIcon: css({ flexShrink: 0, color: colors.error.text }),
    folded: css({ flexShrink: 0, color: 'var(--dim)', fontSize: TINY }),
    bars: css({ position: 'relative', height: '100%', flexShrink: 0 }),
    bar: css({ position: 'absolute', top: 5, height: 14, borderRadius: 2, overflow: 'hidden' }),
    gap: css({ border: `1px dashed ${colors.border.strong}`, background: hatch(colors.border.strong) }),
    gapBottleneck: css({
      borderColor: colors.warning.main,
      background: hatch(colors.warning.main),
    }),
    errorBar: css({ boxShadow: `inset 0 0 0 1px ${colors.error.main}` }),
    self: css({
      position: 'absolute',
      left: 0,
      top: 0,
      bottom: 0,
      opacity: 0.75,
      '&[data-bottleneck]': { background: colors.warning.main, color: colors.warning.main, opacity: 1 },
    }),
    network: css({
      '&, &[data-bottleneck]': {
        background: 'radial-gradient(circle at 3px 3px, currentcolor 1.5px, transparent 2px) 0 0 / 6px 6px',
        opacity: 1,
      },
    }),
    path: css({ position: 'absolute', left: 0, bottom: 0, height: 3, background: colors.text.maxContrast }),
    /** The mark of the usual time on the path; wide enough to point at. */
    baseline: css({ position: 'absolute', top: 2, height: 20, width: 11, marginLeft: -5 }),
    baselineLine: css({
      position: 'absolute',
      left: 4,
      top: 0,
      bottom: 0,
      width: 3,
      borderRadius: 1,
      background: colors.text.maxContrast,
      boxShadow: `0 0 0 1px ${colors.background.primary}`,
    }),
    duration: css({
      position: 'absolute',
      top: 3,
      color: 'var(--dim)',
      fontSize: TINY,
      whiteSpace: 'nowrap',
      pointerEvents: 'none',
    }),
    durationInside: css({
      top: 5,
      padding: '0 4px',
      borderRadius: 2,
      color: colors.text.primary,
      background: colors.background.primary,
    }),
    detail: css({
      display: 'flex',
      flexWrap: 'wrap',
      alignItems: 'center',
      gap: theme.spacing(0, 1.5),
      minHeight: 28,
      paddingTop: theme.spacing(0.5),
      borderTop: `1px solid ${colors.border.weak}`,
      fontSize: theme.typography.bodySmall.fontSize,
      color: colors.text.secondary,
    }),
    strong: css({
      color: colors.text.primary,
      fontWeight: theme.typography.fontWeightMedium,
      overflowWrap: 'anywhere',
    }),
    legend: css({
      display: 'flex',
      flexWrap: 'wrap',
      gap: theme.spacing(0, 2),
      color: colors.text.secondary,
      fontSize: TINY,
    }),
    key: css({ display: 'inline-flex', alignItems: 'center', gap: 5 }),
    sample: css({
      position: 'relative',
      display: 'inline-block',
      width: 22,
      height: 10,
      borderRadius: 2,
      overflow: 'hidden',
    }),
    empty: css({ padding: theme.spacing(2), color: colors.text.secondary }),
  };
};

export type TimelineStyles = ReturnType<typeof getTimelineStyles>;
