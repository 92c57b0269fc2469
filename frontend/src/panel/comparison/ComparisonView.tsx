import React, { useState } from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2, type PanelData } from '@grafana/data';
import { type DataSourceRef, type TimeZone } from '@grafana/schema';
import { Icon, useStyles2 } from '@grafana/ui';
import { Message } from '../Message';
import { type PanelOptions } from '../options';
import { type Comparison } from '../readFrames';
import { CulpritRow } from './CulpritRow';
import { ExampleView } from './ExampleView';
import { comparedWords, keyOfCulprit } from './words';

interface Props {
  comparison: Comparison;
  datasource?: DataSourceRef;
  data: PanelData;
  options: PanelOptions;
  width: number;
  height: number;
  timeZone: TimeZone;
}

const NARROW = 560;

/** What changed: the culprits, highest score first, or why there are none. A row opens its examples. */
export function ComparisonView({ comparison, datasource, data, options, width, height, timeZone }: Props) {
  const styles = useStyles2(getStyles);
  const [opened, setOpened] = useState<string>();
  const [example, setExample] = useState<string>();
  const { culprits, isThin, compared } = comparison;
  if (example) {
    return (
      <ExampleView
        traceId={example}
        datasource={datasource}
        data={data}
        options={options}
        width={width}
        height={height}
        timeZone={timeZone}
        onBack={() => setExample(undefined)}
      />
    );
  }
  return (
    <div className={styles.wrap} style={{ width, height }} data-testid="ktrdr-diagnosis">
      {culprits.length === 0 ? (
        <Nothing comparison={comparison} timeZone={timeZone} />
      ) : (
        <>
          <p className={styles.compared}>{comparedWords(comparison, timeZone)}</p>
          {isThin ? (
            <p className={styles.thin} role="status">
              <Icon name="exclamation-triangle" /> {thinWords(compared)}
            </p>
          ) : null}
          <ol className={styles.rows} aria-label="What changed, highest score first">
            {culprits.map((culprit) => {
              const key = keyOfCulprit(culprit);
              return (
                <CulpritRow
                  key={key}
                  culprit={culprit}
                  narrow={width < NARROW}
                  open={opened === key}
                  datasource={datasource}
                  canDiagnose={compared === 'operations'}
                  onToggle={() => setOpened(opened === key ? undefined : key)}
                  onDiagnose={setExample}
                />
              );
            })}
          </ol>
        </>
      )}
    </div>
  );
}

const thinWords = (compared: string) =>
  `Too little to be sure: at least 5 ${compared} of the time range and 20 of the baseline are needed. Choose longer ranges.`;

/** Says why there is no row. */
function Nothing({ comparison, timeZone }: { comparison: Comparison; timeZone: TimeZone }) {
  const { compared, operations, baselineOperations, isThin } = comparison;
  const words = comparedWords(comparison, timeZone);
  if (operations === 0 || baselineOperations === 0) {
    return (
      <Message icon="search" title="Nothing to compare">
        {words}. Only {compared} that have ended and whose type is in both ranges can be compared. Choose longer ranges
        or remove filters.
      </Message>
    );
  }
  if (isThin) {
    return (
      <Message icon="question-circle" title="Nothing found, but in few operations">
        {words}. {thinWords(compared)}
      </Message>
    );
  }
  return (
    <Message icon="check-circle" title="Nothing changed">
      {words}. No part of the system takes longer or fails more often than chance explains.
    </Message>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  wrap: css({ overflowX: 'hidden', overflowY: 'auto' }),
  compared: css({
    margin: theme.spacing(0.5, 1),
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  thin: css({
    margin: theme.spacing(0.5, 1, 1),
    color: theme.colors.warning.text,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  rows: css({ listStyle: 'none', margin: 0, padding: 0 }),
});
