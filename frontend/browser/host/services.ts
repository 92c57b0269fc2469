// The services that Grafana's page provides to plugins, on top of the server's /api.
import * as grafanaData from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import * as runtimeUnstable from '@grafana/runtime/unstable';
import { from, Observable } from 'rxjs';

interface Ask {
  method?: string;
  url: string;
  data?: unknown;
  params?: Record<string, string>;
}

export interface Call {
  method: string;
  url: string;
  data?: unknown;
}

/** Every request, for the tests. */
export const calls: Call[] = [];

/** Sends requests as Grafana's own client does: JSON unless the body is a file; errors contain the answer's body. */
async function ask({ method = 'GET', url, data, params }: Ask) {
  const query = params && Object.keys(params).length > 0 ? `?${new URLSearchParams(params)}` : '';
  calls.push({ method, url: url + query, data: data instanceof Blob ? '(file)' : data });
  const response = await fetch(`/${url.replace(/^\//, '')}${query}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body:
      data === undefined || data instanceof Blob || typeof data === 'string'
        ? (data as BodyInit)
        : JSON.stringify(data),
  });
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = { message: text };
  }
  const answer = {
    data: body,
    status: response.status,
    statusText: response.statusText,
    ok: response.ok,
    headers: response.headers,
    url,
  };
  if (!response.ok) {
    throw answer;
  }
  return answer;
}

export const sources: Array<{ uid: string; name: string; type: string }> = [];
export const instances = new Map<string, unknown>();
/** Values of the dashboard's variables. */
export const variables: Record<string, string | string[]> = {};

const backendSrv = {
  fetch: (options: Ask) => from(ask(options)),
  get: async (url: string, params?: Record<string, string>) => (await ask({ url, params })).data,
  post: async (url: string, data?: unknown) => (await ask({ method: 'POST', url, data })).data,
  request: async (options: Ask) => (await ask(options)).data,
  datasourceRequest: ask,
};

const templateSrv = {
  replace: (text = '', _scoped?: unknown, format?: unknown) =>
    text.replace(/\$(\w+)|\$\{(\w+)\}/g, (whole, a, b) => {
      const value = variables[a ?? b];
      if (value === undefined) {
        return whole;
      }
      return typeof format === 'function' ? format(value) : [value].flat().join(',');
    }),
  getVariables: () => Object.entries(variables).map(([name, value]) => ({ name, current: { value } })),
  containsTemplate: () => false,
  updateTimeRange: () => {},
};

const uidOf = (ref: unknown) => (typeof ref === 'string' ? ref : (ref as { uid?: string } | undefined)?.uid);
const dataSourceSrv = {
  get: async (ref: unknown) => instances.get(uidOf(ref) ?? ''),
  getList: () => sources,
  getInstanceSettings: (ref: unknown) =>
    ref == null ? sources[0] : sources.find(({ uid, name }) => uid === uidOf(ref) || name === ref),
  reload: () => {},
  registerRuntimeDataSource: () => {},
};

/** Grafana Live over server-sent events: each message replaces the frame, as the plugin requests. */
const liveSrv = {
  getDataStream: ({
    addr,
    frame,
    buffer,
  }: {
    addr: Record<string, string>;
    frame: grafanaData.DataFrameJSON;
    buffer: unknown;
  }) =>
    new Observable<grafanaData.DataQueryResponse>((subscriber) => {
      const channel = `${addr.stream ?? addr.namespace}/${addr.path}`;
      live.channels.push({ channel, buffer });
      let schema = frame.schema;
      const emit = (data: grafanaData.DataFrameJSON['data']) =>
        subscriber.next({
          key: channel,
          state: grafanaData.LoadingState.Streaming,
          data: [grafanaData.dataFrameFromJSON({ schema, data })],
        });
      emit(frame.data);
      const source = new EventSource(`/api/live/ds/${channel}`);
      source.onmessage = ({ data }) => {
        const message: grafanaData.DataFrameJSON = JSON.parse(data);
        live.messages += 1;
        schema = message.schema ?? schema;
        if (message.data) {
          emit(message.data);
        }
      };
      return () => source.close();
    }),
};

/** The messages of the live channels, for the tests. */
export const live: { channels: Array<{ channel: string; buffer: unknown }>; messages: number } = {
  channels: [],
  messages: 0,
};

export function startServices() {
  // Grafana 13.2 requests its loggers before any query.
  (runtimeUnstable as { initializeLoggersRegistry?: () => void }).initializeLoggersRegistry?.();
  grafanaRuntime.setBackendSrv(backendSrv as never);
  grafanaRuntime.setTemplateSrv(templateSrv as never);
  grafanaRuntime.setDataSourceSrv(dataSourceSrv as never);
  grafanaRuntime.setAppEvents?.(new grafanaData.EventBusSrv());
  grafanaRuntime.setEchoSrv?.({ flush() {}, addBackend() {}, addEvent() {} } as never);
  grafanaRuntime.setGrafanaLiveSrv(liveSrv as never);
  grafanaData.standardTransformersRegistry.setInit(() =>
    // one of them has two names
    [...new Map(Object.values(grafanaData.standardTransformers).map((each) => [each.id, each])).values()].map(
      ({ id, name, operator, defaultOptions }) => {
        // Grafana 13.2 loads it with a call; earlier versions contain it.
        const load = () => Promise.resolve({ id, name, operator, defaultOptions });
        return { id, name, transformation: Object.assign(load, { operator, defaultOptions }), editor: null } as never;
      }
    )
  );
  // Grafana fills this registry with its option editors. No options pane is rendered here, so names are enough.
  const editors =
    'number slider text strings boolean select multi-select radio color unit links mappings thresholds timezone fieldColor field-name stats-picker layer-editor dashboard-uid actions';
  grafanaData.standardEditorsRegistry.setInit(() =>
    editors.split(' ').map((id) => ({ id, name: id, editor: () => null }) as never)
  );
  grafanaData.standardFieldConfigEditorRegistry.setInit(() => []);
}
