import React, { useState } from 'react';
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { Tab, TabContent, TabsBar, useStyles2 } from '@grafana/ui';
import { type Diagnosis } from '../../shared/record.generated';
import { type Lists } from '../readFrames';
import { type EvidenceTab, type PanelOptions, TAB_LABELS, TABS } from '../options';
import { Timeline } from '../timeline/Timeline';
import { type CellContext } from './cells';
import { Errors } from './Errors';
import { EvidenceList } from './EvidenceList';
import { Findings } from './Findings';
import { HttpCalls } from './HttpCalls';
import { Workers } from './Workers';

interface Props {
  operation: Diagnosis;
  lists: Lists;
  options: PanelOptions;
  width: number;
  height: number;
  context: CellContext;
}

/** The tab with the evidence for a verdict. */
const TAB_OF_VERDICT: Partial<Record<Diagnosis['verdict'], EvidenceTab>> = {
  failed: 'errors',
  no_workers: 'workers',
  unreachable: 'http',
  missing_data: 'errors',
};

/** The evidence, in tabs. Empty tabs are left out. */
export function EvidenceTabs({ operation, lists, options, width, height, context }: Props) {
  const styles = useStyles2(getStyles);
  const [chosen, setChosen] = useState<EvidenceTab>();
  const evidence = lists.evidence.length > 0 ? lists.evidence : operation.evidence;
  const counts: Record<EvidenceTab, number> = {
    timeline: lists.flow.length,
    findings: operation.findings.length + operation.remarks.length,
    errors: Math.max(lists.errors.length, operation.error_type || operation.error_message ? 1 : 0),
    http: lists.http.length,
    workers: lists.workers.length,
    evidence: evidence.length,
  };
  const wanted = options.proofs ?? TABS;
  const tabs = TABS.filter((tab) => wanted.includes(tab) && counts[tab] > 0);
  const first = options.firstProof === 'auto' ? TAB_OF_VERDICT[operation.verdict] : options.firstProof;
  const active = [chosen, first, tabs[0]].find((tab) => tab && tabs.includes(tab));
  if (!active) {
    return null;
  }
  return (
    <div>
      <TabsBar>
        {tabs.map((tab) => (
          <Tab
            key={tab}
            label={TAB_LABELS[tab]}
            counter={tab === 'timeline' ? null : counts[tab]}
            active={tab === active}
            onChangeTab={(event) => {
              event.preventDefault();
              setChosen(tab);
            }}
          />
        ))}
      </TabsBar>
      <TabContent className={styles.content}>
        {active === 'timeline' ? <Timeline steps={lists.flow} width={width} height={height} context={context} /> : null}
        {active === 'findings' ? <Findings findings={operation.findings} remarks={operation.remarks} /> : null}
        {active === 'errors' ? <Errors operation={operation} errors={lists.errors} context={context} /> : null}
        {active === 'http' ? <HttpCalls calls={lists.http} context={context} /> : null}
        {active === 'workers' ? <Workers workers={lists.workers} context={context} /> : null}
        {active === 'evidence' ? <EvidenceList evidence={evidence} context={context} /> : null}
      </TabContent>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  content: css({ background: 'none', paddingTop: theme.spacing(1) }),
});
