import { DataSourcePlugin } from '@grafana/data';
import { ConfigEditor } from './config/ConfigEditor';
import { KtrdrDataSource } from './datasource';
import { QueryEditor } from './editors/QueryEditor';
import { QueryHelp } from './editors/QueryHelp';
import { type KtrdrOptions, type KtrdrQuery } from './query';

export const plugin = new DataSourcePlugin<KtrdrDataSource, KtrdrQuery, KtrdrOptions>(KtrdrDataSource)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor)
  .setQueryEditorHelp(QueryHelp);
