import React from 'react';
import { ConfigSubSection } from '@grafana/plugin-ui';
import { type KtrdrOptions } from '../query';
import { NumberSettingField, SettingField } from './SettingField';

interface Props {
  options: KtrdrOptions;
  onChange: (change: Partial<KtrdrOptions>) => void;
  disabled?: boolean;
}

const MOST = 4096;

const sizeHint = (text: string) => {
  const size = Number(text);
  return text.trim() === '' || (Number.isInteger(size) && size >= 1 && size <= MOST)
    ? undefined
    : `A whole number of MiB from 1 to ${MOST}.`;
};

const headerHint = (text: string) =>
  text === '' || /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(text)
    ? undefined
    : 'A header name has letters, digits and hyphens only.';

/** The tenant of a shared Jaeger, and the size limit of answers. */
export function LimitSettings({ options, onChange, disabled }: Props) {
  return (
    <>
      <ConfigSubSection title="Tenant" description="For a Jaeger that several tenants share.">
        <SettingField
          id="ktrdr-tenant-header"
          label="Tenant header"
          description="Header that names the tenant; Jaeger's own is x-tenant."
          placeholder="x-tenant"
          value={options.tenantHeader}
          check={headerHint}
          onCommit={(tenantHeader) => onChange({ tenantHeader })}
          disabled={disabled}
        />
        <SettingField
          id="ktrdr-tenant"
          label="Tenant"
          description="Its value; empty sends no header."
          value={options.tenant}
          onCommit={(tenant) => onChange({ tenant })}
          disabled={disabled}
        />
      </ConfigSubSection>
      <ConfigSubSection title="Limits">
        <NumberSettingField
          id="ktrdr-max-body"
          label="Largest answer (MiB)"
          description="If an answer of Jaeger is larger, it is requested again in smaller parts."
          placeholder="256"
          value={options.maxBodyMiB}
          check={sizeHint}
          onCommit={(maxBodyMiB) => onChange({ maxBodyMiB })}
          disabled={disabled}
          width={16}
        />
      </ConfigSubSection>
    </>
  );
}
