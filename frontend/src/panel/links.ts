import { locationUtil, urlUtil } from '@grafana/data';
import { type DataSourceRef } from '@grafana/schema';
import { config } from '@grafana/runtime';

/** The URL of a trace in Explore, at one of its spans; undefined if Explore or the data source is unknown. */
export function traceLink(
  datasource: DataSourceRef | undefined,
  traceId: string | null | undefined,
  spanId?: string | null,
  around?: { start: number | null; end: number | null }
): string | undefined {
  if (!datasource?.uid || !traceId || config.exploreEnabled === false) {
    return undefined;
  }
  const pane = {
    datasource: datasource.uid,
    queries: [{ refId: 'A', datasource, queryType: 'trace', query: traceId }],
    range: {
      from: String(around?.start ? Math.floor(around.start - 60_000) : 'now-1h'),
      to: String(around?.end ? Math.ceil(around.end + 60_000) : 'now'),
    },
    ...(spanId ? { panelsState: { trace: { spanId } } } : {}),
  };
  return locationUtil.assureBaseUrl(
    urlUtil.renderUrl('/explore', { schemaVersion: 1, panes: JSON.stringify({ ktrdr: pane }) })
  );
}

const DASHBOARD = '/d/ktrdr-diagnosis';

/** The URL of an operation on the provisioned dashboard; undefined on that dashboard itself. */
export function dashboardLink(
  datasource: DataSourceRef | undefined,
  operationId: string | null | undefined,
  path = window.location.pathname
): string | undefined {
  const home = locationUtil.assureBaseUrl(DASHBOARD);
  if (!operationId || path === home || path.startsWith(`${home}/`)) {
    return undefined;
  }
  const uid = datasource?.uid;
  return urlUtil.renderUrl(home, { ...(uid ? { 'var-diagnosis': uid } : {}), 'var-operation': operationId });
}
