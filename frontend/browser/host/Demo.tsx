// The demo page: the panel and the query editor with the example traces, without Grafana.
import * as React from 'react';
import { type DataQueryRequest } from '@grafana/data';
import { Button } from '@grafana/ui';
import { type Mode } from './mount';
import { PanelHost } from './PanelHost';

/* eslint-disable @typescript-eslint/no-explicit-any */
interface Props {
  mode: Mode;
  source: any;
  plugin: any;
  panel: any;
  request: (uid: string, queries: any[]) => DataQueryRequest;
  onMode: (mode: Mode) => void;
}

/** A link from the panel to Explore contains its query in the URL. */
function queryOfAddress(): any {
  try {
    const panes = JSON.parse(new URLSearchParams(location.search).get('panes') ?? '{}');
    return (Object.values(panes)[0] as any)?.queries?.[0];
  } catch {
    return undefined;
  }
}

export function Demo({ mode, source, plugin, panel, request, onMode }: Props) {
  const [query, setQuery] = React.useState<any>({
    refId: 'A',
    queryType: 'operations',
    limit: 200,
    ...queryOfAddress(),
  });
  const [run, setRun] = React.useState(0);
  const [width, setWidth] = React.useState(window.innerWidth - 32);
  React.useEffect(() => {
    const measure = () => setWidth(window.innerWidth - 32);
    window.addEventListener('resize', measure);
    return () => window.removeEventListener('resize', measure);
  }, []);
  const Editor = plugin.components.QueryEditor;
  const wanted = React.useRef(query);
  wanted.current = query;
  const asked = React.useMemo(() => {
    // Grafana's trace view, which shows a trace, is missing here. So the page diagnoses the trace instead.
    const { queryType, query: id, ...rest } = wanted.current;
    const shown = queryType === 'trace' ? { ...rest, queryType: 'diagnosis', operationId: id } : wanted.current;
    return request('ktrdr', [shown]);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [run]);
  return (
    <div style={{ display: 'grid', gap: 12 }}>
      <div style={{ display: 'flex', alignItems: 'center', gap: 12 }}>
        <h1 style={{ margin: 0, flexGrow: 1, fontSize: 20 }}>KTRDR Diagnosis: example traces of common failures</h1>
        <Button variant="secondary" size="sm" onClick={() => onMode(mode === 'dark' ? 'light' : 'dark')}>
          {mode === 'dark' ? 'Light' : 'Dark'} theme
        </Button>
      </div>
      <Editor
        datasource={source}
        query={query}
        onChange={setQuery}
        onRunQuery={() => setTimeout(() => setRun((count: number) => count + 1))}
        app="explore"
        range={asked.range}
      />
      <PanelHost
        key={run}
        plugin={panel}
        source={source}
        request={asked}
        size={{ width, height: Math.max(480, window.innerHeight - 280) }}
        options={{}}
      />
    </div>
  );
}
