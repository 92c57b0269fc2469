import React from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { ClipboardButton, useStyles2 } from '@grafana/ui';
import { parseSolution, splitCode } from '../solution';

/** A solution: its text, and each of its commands with a copy button. */
export function SolutionText({ text }: { text: string }) {
  const styles = useStyles2(getStyles);
  return (
    <>
      {parseSolution(text).map((part, index) =>
        part.kind === 'text' ? (
          <p key={index} className={styles.text}>
            {splitCode(part.text).map((piece, at) => (at % 2 === 1 ? <code key={at}>{piece}</code> : piece))}
          </p>
        ) : (
          <div key={index} className={styles.block}>
            {part.lines.map((line) => (
              <Command key={line} line={line} />
            ))}
          </div>
        )
      )}
    </>
  );
}

export function Command({ line }: { line: string }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.command}>
      <code className={styles.line}>{line}</code>
      <CopyButton what={line} label={`Copy command: ${line}`} />
    </div>
  );
}

export function CopyButton({ what, label }: { what: string; label: string }) {
  return (
    <ClipboardButton
      icon="copy"
      size="sm"
      fill="text"
      variant="secondary"
      getText={() => what}
      aria-label={label}
      tooltip={label}
    />
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  text: css({ margin: 0, overflowWrap: 'anywhere' }),
  block: css({
    margin: theme.spacing(0.5, 0),
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.canvas,
    border: `1px solid ${theme.colors.border.weak}`,
  }),
  command: css({
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'space-between',
    paddingLeft: theme.spacing(1),
    minHeight: 28,
    '& + &': { borderTop: `1px solid ${theme.colors.border.weak}` },
  }),
  line: css({
    background: 'none',
    border: 0,
    padding: theme.spacing(0.5, 0),
    margin: 0,
    fontSize: theme.typography.bodySmall.fontSize,
    color: theme.colors.text.primary,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
  }),
});
