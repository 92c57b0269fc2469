import React from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { type DataSourceRef, type TimeZone } from '@grafana/schema';
import { LoadingBar, useStyles2 } from '@grafana/ui';
import { type Diagnosis } from '../shared/record.generated';
import { type Lists } from './readFrames';
import { dashboardLink, traceLink } from './links';
import { type PanelOptions } from './options';
import { Figures } from './parts/Figures';
import { EvidenceTabs } from './parts/EvidenceTabs';
import { VerdictBanner } from './parts/VerdictBanner';
import { CauseAndSolution } from './parts/CauseAndSolution';
import { useHeightAbove } from './useHeightAbove';

interface Props {
  operation: Diagnosis;
  lists: Lists;
  options: PanelOptions;
  width: number;
  height: number;
  timeZone: TimeZone;
  datasource?: DataSourceRef;
  loading?: boolean;
  /** A warning that the lists could not be fetched. */
  children?: React.ReactNode;
  onBack?: () => void;
}

const NARROW = 480;
const WIDE = 720;
/** Below this size in pixels, the panel shows only the verdict. */
const TINY = { width: 240, height: 150 };

/** Height around the rows of the timeline, and minimum height of its rows, in pixels. */
const CHROME_HEIGHT = 186;
const MIN_ROWS_HEIGHT = 216;

/** One operation: verdict, root cause, solution, then the evidence. */
export function OperationView(props: Props) {
  const { operation, lists, options, width, height, timeZone, datasource, loading, children, onBack } = props;
  const styles = useStyles2(getStyles);
  const link = (traceId: string | null | undefined, spanId?: string | null) =>
    traceLink(datasource, traceId, spanId, operation);
  const { container, element, above } = useHeightAbove();
  const tiny = width < TINY.width || height < TINY.height;
  return (
    <article
      ref={container}
      className={styles.wrap}
      aria-label={`Diagnosis of ${operation.operation_id ?? 'an operation without id'}`}
    >
      {loading ? <LoadingBar width={width} /> : null}
      <VerdictBanner
        operation={operation}
        timeZone={timeZone}
        link={link(operation.trace_id)}
        dashboard={dashboardLink(datasource, operation.operation_id)}
        onBack={onBack}
        narrow={width < NARROW || tiny}
        tiny={tiny}
      />
      {tiny ? null : (
        <>
          {options.showSolution ? <CauseAndSolution operation={operation} columns={width >= WIDE} /> : null}
          {options.showFigures ? <Figures operation={operation} /> : null}
          {children}
          <div ref={element}>
            <EvidenceTabs
              key={operation.operation_id ?? operation.trace_id}
              operation={operation}
              lists={lists}
              options={options}
              width={width - 12}
              height={Math.max(MIN_ROWS_HEIGHT, above === undefined ? height * 0.55 : height - above - CHROME_HEIGHT)}
              context={{ timeZone, link }}
            />
          </div>
        </>
      )}
    </article>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  wrap: css({
    position: 'relative',
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1.5),
    paddingRight: 4,
  }),
});
