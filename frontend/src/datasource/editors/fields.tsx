// The fields of the editors. Each shows its validation message below.
import React, { useEffect, useRef } from 'react';
import { Combobox, Input, MultiCombobox } from '@grafana/ui';
import { EditorField } from '@grafana/plugin-ui';
import { useDraft } from '../useDraft';
import { Hint } from './Hint';
import { type Suggestions } from './useSuggestions';

interface TextFieldProps {
  id: string;
  label: string;
  value: string | number | undefined;
  onCommit: (text: string) => void;
  onRunQuery: () => void;
  check?: (text: string) => string | undefined;
  /** A validation message that depends on other fields. */
  problem?: string;
  placeholder?: string;
  tooltip?: string;
  width?: number;
}

/** A line of text, applied on blur or Enter. */
export function TextField(props: TextFieldProps) {
  const { id, label, value, onCommit, onRunQuery, check, placeholder, tooltip, width = 16 } = props;
  const [draft, setDraft] = useDraft(value);
  const problem = check?.(draft) ?? props.problem;
  const commit = () => {
    if (draft !== String(value ?? '')) {
      onCommit(draft);
      if (!check?.(draft)) {
        onRunQuery();
      }
    }
  };
  return (
    <EditorField label={label} htmlFor={id} tooltip={tooltip} invalid={Boolean(problem)} error={problem}>
      <Input
        id={id}
        width={width}
        value={draft}
        placeholder={placeholder}
        aria-invalid={Boolean(problem)}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && event.shiftKey && draft === String(value ?? '')) {
            onRunQuery();
          } else if (event.key === 'Enter') {
            commit();
          }
        }}
      />
    </EditorField>
  );
}

interface ListFieldProps {
  id: string;
  label: string;
  values: string[] | undefined;
  suggestions: Suggestions;
  onChange: (values: string[]) => void;
  placeholder?: string;
  tooltip?: string;
  width?: number;
}

/** Several values, suggested or typed; template variables are values too. */
export function ListField({ id, label, values, suggestions, onChange, placeholder, tooltip, width }: ListFieldProps) {
  return (
    <EditorField label={label} htmlFor={id} tooltip={tooltip}>
      <LabelledInput id={id} label={label}>
        <MultiCombobox
          id={id}
          width={width ?? 24}
          options={suggestions.load}
          value={(values ?? []).map((value) => ({ value, label: value }))}
          createCustomValue
          isClearable
          placeholder={placeholder ?? 'All'}
          onChange={(chosen) => onChange(chosen.map(({ value }) => String(value)))}
        />
        <Hint text={suggestions.problem} />
      </LabelledInput>
    </EditorField>
  );
}

interface IdFieldProps {
  id: string;
  label: string;
  value: string | undefined;
  suggestions: Suggestions;
  onChange: (value: string) => void;
  hint?: string;
  tooltip?: string;
  placeholder?: string;
}

/** One id, suggested or typed. */
export function IdField({ id, label, value, suggestions, onChange, hint, tooltip, placeholder }: IdFieldProps) {
  return (
    <EditorField label={label} htmlFor={id} tooltip={tooltip}>
      <FieldBody>
        <Combobox
          id={id}
          width={56}
          options={suggestions.load}
          value={value ? { value, label: value } : null}
          createCustomValue
          isClearable
          placeholder={placeholder}
          onChange={(option) => onChange(option?.value.trim() ?? '')}
        />
        <Hint text={hint ?? suggestions.problem} />
      </FieldBody>
    </EditorField>
  );
}

/** Wraps content other than a single input: Grafana's Field passes properties to its child that only inputs accept. */
export function FieldBody({ children }: React.PropsWithChildren) {
  return <div>{children}</div>;
}

/** Labels the input for screen readers if the component does not accept an id: the MultiCombobox of Grafana 11. */
function LabelledInput({ id, label, children }: React.PropsWithChildren<{ id: string; label: string }>) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const input = box.current?.querySelector('input');
    if (input && input.id !== id) {
      input.removeAttribute('aria-labelledby');
      input.setAttribute('aria-label', label);
    }
  });
  return <div ref={box}>{children}</div>;
}
