import React, { useEffect, useState } from 'react';
import { Alert } from '@grafana/ui';
import { type Coverage, coverageWords, fetchCoverage } from './coverage';

/** How often the state is asked for while the page is visible. */
const EVERY_MS = 10_000;

interface Props {
  uid: string;
}

/** What the saved data source has recorded. */
export function HistoryState({ uid }: Props) {
  const [coverage, setCoverage] = useState<Coverage>();
  useEffect(() => {
    let isGone = false;
    const ask = async () => {
      if (document.visibilityState !== 'hidden') {
        const answer = await fetchCoverage(uid);
        if (!isGone) {
          setCoverage(answer);
        }
      }
    };
    void ask();
    const timer = setInterval(() => void ask(), EVERY_MS);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [uid]);

  if (coverage === undefined) {
    return null;
  }
  const { severity, title, lines } = coverageWords(coverage);
  return (
    <Alert severity={severity} title={title} style={{ marginTop: 12, maxWidth: 720 }}>
      {lines.map((line, index) => (
        <div key={index}>{line}</div>
      ))}
    </Alert>
  );
}
