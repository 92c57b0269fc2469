import React from 'react';
import { Field, Input } from '@grafana/ui';
import { useDraft } from '../useDraft';

interface Props {
  id: string;
  label: string;
  description: string;
  value: string | undefined;
  onCommit: (text: string | undefined) => void;
  check?: (text: string) => string | undefined;
  placeholder?: string;
  disabled?: boolean;
  width?: number;
}

/** One setting in one line, with its validation message below. */
export function SettingField({
  id,
  label,
  description,
  value,
  onCommit,
  check,
  placeholder,
  disabled,
  width = 40,
}: Props) {
  const [draft, setDraft] = useDraft(value);
  const problem = check?.(draft);
  return (
    <Field label={label} description={description} htmlFor={id} invalid={Boolean(problem)} error={problem}>
      <Input
        id={id}
        width={width}
        value={draft}
        placeholder={placeholder}
        disabled={disabled}
        aria-invalid={Boolean(problem)}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={() => draft !== (value ?? '') && onCommit(draft.trim() || undefined)}
      />
    </Field>
  );
}

interface NumberProps extends Omit<Props, 'value' | 'onCommit'> {
  value: number | undefined;
  check: (text: string) => string | undefined;
  onCommit: (value: number | undefined) => void;
}

/** The same for a number. Text that is not valid commits nothing: the setting is removed. */
export function NumberSettingField({ value, check, onCommit, ...props }: NumberProps) {
  return (
    <SettingField
      {...props}
      value={value === undefined ? undefined : String(value)}
      check={check}
      onCommit={(text) => onCommit(text && !check(text) ? Number(text) : undefined)}
    />
  );
}
