// Takes the place of Grafana's front end: loads the built plugins, provides Grafana's services, mounts the plugins' components.
import * as React from 'react';
import * as grafanaData from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import * as rxjs from 'rxjs';
import { Dashboard } from './Dashboard';
import { Demo } from './Demo';
import { configured, ofPanel } from './frames';
import { load, startLoader } from './loader';
import { clear, type Mode, show } from './mount';
import { NodeGraph } from './NodeGraph';
import { PanelHost, type PanelSize } from './PanelHost';
import { calls, instances, live, sources, startServices, variables } from './services';
import { Table } from './Table';

const DATASOURCE = 'ktrdr-diagnosis-datasource';
const PANEL = 'ktrdr-diagnosis-panel';

declare global {
  interface Window {
    MonacoEnvironment?: unknown;
    harness: typeof harness;
  }
}
window.MonacoEnvironment = {
  getWorker: () => new Worker(new URL('monaco-editor/esm/vs/editor/editor.worker.js', import.meta.url)),
};

startServices();
startLoader();

const errors: string[] = [];
window.addEventListener('error', (event) => errors.push(String(event.message)));
window.addEventListener('unhandledrejection', (event) => errors.push(String(event.reason?.stack ?? event.reason)));

/* eslint-disable @typescript-eslint/no-explicit-any */
const last: Record<string, any> = {};

/** The plugin and its data source, as Grafana creates it for this uid. */
async function dataSource(uid = 'ktrdr'): Promise<{ plugin: any; source: any }> {
  const { plugin } = await load(DATASOURCE);
  const meta = await (await fetch(`/public/plugins/${DATASOURCE}/plugin.json`)).json().catch(() => ({ info: {} }));
  plugin.meta = { ...meta, id: DATASOURCE, module: '', baseUrl: `public/plugins/${DATASOURCE}` };
  const settings: any = {
    id: 1,
    uid,
    type: DATASOURCE,
    name: 'KTRDR Diagnosis',
    url: '',
    jsonData: {},
    meta: plugin.meta,
    access: 'proxy',
    readOnly: false,
  };
  if (!instances.has(uid)) {
    sources.push(settings);
    const source = new plugin.DataSourceClass(settings);
    source.meta = plugin.meta;
    source.components = plugin.components;
    instances.set(uid, source);
  }
  return { plugin, source: instances.get(uid) };
}

/** The range of the queries of a panel, in hours before now. */
const span = { from: 24, to: 0 };

function timeRange(hours = span.from): grafanaData.TimeRange {
  const ago = (n: number) => grafanaData.dateTime().subtract(n, 'hours');
  return { from: ago(hours), to: ago(span.to), raw: { from: `now-${hours}h`, to: `now-${span.to}h` } };
}

let asked = 0;
function request(uid: string, queries: any[], range = timeRange()): any {
  asked += 1;
  return {
    requestId: `q${asked}`,
    app: 'dashboard',
    interval: '1m',
    intervalMs: 60_000,
    maxDataPoints: 500,
    range,
    scopedVars: {},
    timezone: 'utc',
    startTime: Date.now(),
    targets: queries.map((query, index) => ({
      refId: 'ABCDEF'[index],
      datasource: { type: DATASOURCE, uid },
      ...query,
    })),
  };
}

/** A dashboard's queries, its data source variable filled in. */
const onSource = (targets: any[], uid: string) =>
  targets.map((target) => ({ ...target, datasource: { ...target.datasource, uid } }));

/** The size of a grid position in pixels, on a screen of 1 440 pixels. */
const sizeOf = ({ w, h }: { w: number; h: number }): PanelSize => ({ width: w * 58, height: h * 38 - 8 });

/** Renders our panel with the answers to queries. */
async function drawPanel(
  mode: Mode,
  uid: string,
  queries: any[],
  more: { size: PanelSize; options: any; title?: string; description?: string }
): Promise<any> {
  const { source } = await dataSource(uid);
  const { plugin } = await load(PANEL);
  clear();
  show(mode, <PanelHost key={asked} plugin={plugin} source={source} request={request(uid, queries)} {...more} />);
  return plugin;
}

const harness = {
  calls,
  errors,
  last,
  live,
  span,
  variables,
  versions: { react: React.version, grafana: grafanaRuntime.config.buildInfo?.version },

  /** Runs queries the way a panel does, up to the data frames. */
  async query(queries: any[], uid = 'ktrdr', hours = 24) {
    const { source } = await dataSource(uid);
    const answer: any = await rxjs.firstValueFrom(source.query(request(uid, queries, timeRange(hours))) as any);
    last.answer = answer;
    return {
      state: answer.state,
      error: answer.errors?.[0]?.message ?? answer.error?.message,
      frames: answer.data.map((frame: any) => ({
        name: frame.name,
        refId: frame.refId,
        rows: frame.length,
        fields: frame.fields.map((field: any) => field.name),
        meta: frame.meta,
        values: Object.fromEntries(frame.fields.map((field: any) => [field.name, Array.from(field.values)])),
      })),
    };
  },

  async health(uid = 'ktrdr') {
    const { source } = await dataSource(uid);
    return source.testDatasource().catch((error: any) => ({ status: error.status, message: error.message }));
  },

  async queryEditor(mode: Mode, query: any, app = 'explore', uid = 'ktrdr') {
    const { plugin, source } = await dataSource(uid);
    const Editor = plugin.components.QueryEditor;
    last.runs = 0;
    function Live() {
      const [current, setCurrent] = React.useState({ refId: 'A', ...source.getDefaultQuery(app), ...query });
      last.query = current;
      return (
        <Editor
          datasource={source}
          query={current}
          onChange={setCurrent}
          onRunQuery={() => last.runs++}
          app={app}
          range={timeRange()}
        />
      );
    }
    clear();
    show(mode, <Live />);
  },

  async annotationEditor(mode: Mode) {
    const { source } = await dataSource();
    const Editor = source.annotations.QueryEditor;
    function Live() {
      const [current, setCurrent] = React.useState(source.annotations.getDefaultQuery());
      last.query = current;
      return <Editor datasource={source} query={current} onChange={setCurrent} onRunQuery={() => {}} />;
    }
    clear();
    show(mode, <Live />);
  },

  async variableEditor(mode: Mode) {
    const { source } = await dataSource();
    const Editor = source.variables.editor;
    function Live() {
      const [current, setCurrent] = React.useState({ refId: 'v' });
      last.query = current;
      return <Editor datasource={source} query={current} onChange={setCurrent} onRunQuery={() => {}} />;
    }
    clear();
    show(mode, <Live />);
  },

  async variable(kind: string, filters?: any) {
    const { source } = await dataSource();
    const answer: any = await rxjs.lastValueFrom(
      source.variables.query({ ...request('ktrdr', []), targets: [{ refId: 'v', kind, filters }] })
    );
    return answer.data.map((value: any) => value.text);
  },

  async help(mode: Mode) {
    const { plugin, source } = await dataSource();
    const Help = plugin.components.QueryEditorHelp;
    clear();
    show(
      mode,
      <Help datasource={source} query={{ refId: 'A' }} onClickExample={(query: any) => (last.query = query)} />
    );
  },

  async configEditor(mode: Mode, options: any = {}) {
    const { plugin } = await dataSource();
    const Editor = plugin.components.ConfigEditor;
    function Live() {
      const [current, setCurrent] = React.useState<any>({
        id: 1,
        uid: 'ktrdr',
        orgId: 1,
        name: 'KTRDR Diagnosis',
        type: DATASOURCE,
        typeName: 'KTRDR Diagnosis',
        typeLogoUrl: '',
        access: 'proxy',
        url: '',
        user: '',
        database: '',
        basicAuth: false,
        basicAuthUser: '',
        isDefault: false,
        readOnly: false,
        withCredentials: false,
        jsonData: {},
        secureJsonFields: {},
        ...options,
      });
      last.options = current;
      return <Editor options={current} onOptionsChange={setCurrent} />;
    }
    clear();
    show(mode, <Live />);
  },

  /** The panel with the answers to queries, live ones included. */
  async panel(mode: Mode, queries: any[], size: PanelSize = {}, options: any = {}, uid = 'ktrdr') {
    await drawPanel(mode, uid, queries, { size, options });
  },

  /** A Diagnosis panel of a dashboard: its own queries, options, title and size. Returns the available options. */
  async dashboardPanel(mode: Mode, model: any) {
    const { targets, gridPos, options, title, description } = model;
    const uid = String(variables.diagnosis);
    const size = sizeOf(gridPos);
    const plugin = await drawPanel(mode, uid, onSource(targets, uid), { size, options, title, description });
    return plugin.defaults;
  },

  /** A whole dashboard in a window of this width. */
  async dashboard(mode: Mode, dashboard: any, width: number) {
    const { source } = await dataSource(String(variables.diagnosis));
    const { plugin } = await load(PANEL);
    const ask = (targets: any[]) => request(source.uid, onSource(targets, source.uid));
    const panels = await Promise.all(
      dashboard.panels.map(async (model: any) => {
        if (model.datasource?.type !== DATASOURCE || model.type === PANEL) {
          return { model };
        }
        const answer: any = await rxjs.firstValueFrom(source.query(ask(model.targets)));
        return { model, frames: await ofPanel(answer.data, mode, model) };
      })
    );
    clear();
    show(mode, <Dashboard panels={panels} width={width} plugin={plugin} source={source} request={ask} />);
  },

  /** The answer to a query as Explore renders it, without a panel configuration. */
  async explore(mode: Mode, query: any, size: PanelSize, uid = 'ktrdr') {
    const { source } = await dataSource(uid);
    const answer: any = await rxjs.firstValueFrom(source.query(request(uid, [query])));
    const frames = configured(answer.data, mode);
    clear();
    show(
      mode,
      frames[0]?.meta?.preferredVisualisationType === 'nodeGraph' ? (
        <NodeGraph frames={frames} title="Node graph" size={size} />
      ) : (
        <>
          {frames.map((frame) => (
            <Table key={frame.name} frame={frame} title="Table" size={size} />
          ))}
        </>
      )
    );
  },

  /** The frames that any other panel of a dashboard gets from our data source: transformed, with names, links and colours. */
  async dashboardFrames(model: any) {
    const { source } = await dataSource(String(variables.diagnosis));
    const asks = request(source.uid, onSource(model.targets, source.uid));
    const answer: any = await rxjs.firstValueFrom(source.query(asks));
    const frames = await ofPanel(answer.data, 'dark', model);
    return frames.map((frame) => ({
      name: frame.name,
      rows: frame.length,
      fields: frame.fields.map((field) => ({
        name: grafanaData.getFieldDisplayName(field, frame, frames),
        color: field.config.color,
        unit: field.config.unit,
        width: field.config.custom?.width,
        links: (field.config.links ?? []).map(({ title }: { title: string }) => title),
        values: Array.from(field.values),
      })),
    }));
  },

  /** The panel with frames built by the test. */
  async panelWith(mode: Mode, frames: any[], size: PanelSize = {}, options: any = {}, state = 'Done', error?: string) {
    await dataSource();
    const { plugin } = await load(PANEL);
    const answer = {
      data: frames.map((frame) => grafanaData.toDataFrame(frame)),
      state,
      errors: error ? [{ message: error }] : undefined,
    };
    const source = { query: () => rxjs.of(answer) };
    clear();
    show(
      mode,
      <PanelHost plugin={plugin} source={source} request={request('ktrdr', [])} size={size} options={options} />
    );
  },

  async suggestions(frames: any[]) {
    const { plugin } = await load(PANEL);
    const series = frames.map((frame) => grafanaData.toDataFrame(frame));
    const supplier = plugin.suggestionsSupplier ?? plugin.getSuggestionsSupplier?.();
    return typeof supplier === 'function' ? supplier({ rawFrames: series }) : null;
  },

  async demo(mode: Mode) {
    const { plugin, source } = await dataSource();
    const panel = (await load(PANEL)).plugin;
    clear();
    show(
      mode,
      <Demo
        key={mode}
        mode={mode}
        source={source}
        plugin={plugin}
        panel={panel}
        request={request}
        onMode={(next: Mode) => void harness.demo(next)}
      />
    );
  },
};
window.harness = harness;

const wanted = new URLSearchParams(location.search);
if (wanted.has('demo') || location.pathname === '/explore') {
  void harness.demo(wanted.get('theme') === 'light' ? 'light' : 'dark');
}
