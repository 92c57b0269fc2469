import { type DataSourceInstanceSettings } from '@grafana/data';
import { setTemplateSrv } from '@grafana/runtime';
import { KtrdrDataSource } from '../src/datasource/datasource';
import { type KtrdrOptions } from '../src/datasource/query';
import { templates, type Values } from './templates';

export const settings = {
  id: 1,
  uid: 'ktrdr',
  type: 'ktrdr-diagnosis-datasource',
  name: 'KTRDR Diagnosis',
  url: 'http://localhost:16686',
  jsonData: {},
  meta: {},
} as unknown as DataSourceInstanceSettings<KtrdrOptions>;

/** A data source on a dashboard whose variables have these values. */
export function dataSource(values: Values = {}): KtrdrDataSource {
  const service = templates(values);
  setTemplateSrv(service);
  return new KtrdrDataSource(settings, service);
}
