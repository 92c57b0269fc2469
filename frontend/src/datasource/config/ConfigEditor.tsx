import React from 'react';
import { type DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { config } from '@grafana/runtime';
import { Divider, SecureSocksProxySettings } from '@grafana/ui';
import {
  AdvancedHttpSettings,
  Auth,
  ConfigSection,
  ConnectionSettings,
  convertLegacyAuthProps,
  DataSourceDescription,
} from '@grafana/plugin-ui';
import { urlHint } from '../validation';
import { type KtrdrOptions, type KtrdrSecrets } from '../query';
import { Hint } from '../editors/Hint';
import { HistorySettings } from './HistorySettings';
import { KtrdrSettings } from './KtrdrSettings';
import { LimitSettings } from './LimitSettings';
import { TraceLinks } from './TraceLinks';

type Props = DataSourcePluginOptionsEditorProps<KtrdrOptions, KtrdrSecrets>;

/** The settings page of the data source. */
export function ConfigEditor({ options, onOptionsChange }: Props) {
  const change = (part: Partial<KtrdrOptions>) =>
    onOptionsChange({ ...options, jsonData: { ...options.jsonData, ...part } });
  return (
    <>
      <DataSourceDescription
        dataSourceName="KTRDR Diagnosis"
        docsLink={`${config.appSubUrl}/plugins/${options.type}`}
        hasRequiredFields
      />
      <Divider />
      <ConnectionSettings
        config={options}
        onChange={onOptionsChange}
        urlLabel="Jaeger URL"
        urlPlaceholder="http://localhost:16686"
        urlTooltip="The address of Jaeger's query service, with its base path if it has one, as Grafana's server reaches it"
      />
      {options.url ? <Hint text={urlHint(options.url)} /> : null}
      <Divider />
      <Auth {...convertLegacyAuthProps({ config: options, onChange: onOptionsChange })} />
      <Divider />
      <KtrdrSettings uid={options.uid} options={options.jsonData} onChange={change} disabled={options.readOnly} />
      <Divider />
      <HistorySettings settings={options} onChange={onOptionsChange} />
      <Divider />
      <TraceLinks options={options.jsonData} onChange={change} disabled={options.readOnly} />
      <Divider />
      <ConfigSection
        title="Additional settings"
        description="Timeout, cookies, tenant and limits."
        isCollapsible
        isInitiallyOpen={false}
      >
        <AdvancedHttpSettings config={options} onChange={onOptionsChange} />
        {config.secureSocksDSProxyEnabled ? (
          <SecureSocksProxySettings options={options} onOptionsChange={onOptionsChange} />
        ) : null}
        <LimitSettings options={options.jsonData} onChange={change} disabled={options.readOnly} />
      </ConfigSection>
    </>
  );
}
