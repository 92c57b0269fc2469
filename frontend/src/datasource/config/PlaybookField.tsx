import React, { useState } from 'react';
import { Alert, Button, Field, TextArea } from '@grafana/ui';
import { useDraft } from '../useDraft';
import { checkPlaybook, type PlaybookCheck } from './playbook';

interface Props {
  uid: string;
  value: string | undefined;
  onChange: (text: string | undefined) => void;
  disabled?: boolean;
}

/** The user's overlay over the built-in playbook. */
export function PlaybookField({ uid, value, onChange, disabled }: Props) {
  const [draft, setDraft] = useDraft(value);
  const [result, setResult] = useState<PlaybookCheck>();
  const [busy, setBusy] = useState(false);

  const check = async () => {
    setBusy(true);
    setResult(await checkPlaybook(uid, draft));
    setBusy(false);
  };

  return (
    <>
      <Field
        label="Playbook"
        description="Your own rules in TOML: each replaces or adds one rule by its id. Checked when you leave the field and again by Save & test."
        htmlFor="ktrdr-playbook"
        invalid={result?.ok === false}
      >
        <TextArea
          id="ktrdr-playbook"
          rows={draft ? 14 : 5}
          cols={90}
          spellCheck={false}
          style={{ fontFamily: 'monospace', maxWidth: 720 }}
          placeholder={'[[error_class]]\nname = "BrokerTimeout"\nverdict = "unreachable"'}
          value={draft}
          disabled={disabled}
          onChange={(event) => setDraft(event.currentTarget.value)}
          onBlur={() => {
            if (draft !== (value ?? '')) {
              onChange(draft.trim() === '' ? undefined : draft);
              if (draft.trim() !== '') {
                void check();
              } else {
                setResult(undefined);
              }
            }
          }}
        />
      </Field>
      <Button variant="secondary" size="sm" disabled={busy || draft.trim() === ''} onClick={() => void check()}>
        {busy ? 'Checking …' : 'Check the playbook'}
      </Button>
      {result ? (
        <Alert
          severity={result.ok ? 'success' : 'error'}
          title={result.ok ? 'The playbook is valid' : 'The playbook needs a change'}
          style={{ marginTop: 12, maxWidth: 720 }}
        >
          {result.messages.length > 0 ? (
            <ul style={{ margin: 0, paddingLeft: 16 }}>
              {result.messages.map(({ line, message }, index) => (
                <li key={index}>
                  {line === undefined ? '' : `Line ${line}: `}
                  {message}
                </li>
              ))}
            </ul>
          ) : null}
        </Alert>
      ) : null}
    </>
  );
}
