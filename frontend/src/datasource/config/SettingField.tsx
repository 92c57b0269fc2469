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
