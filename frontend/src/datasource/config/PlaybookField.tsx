import React, { useState } from 'react';
import { Alert, Button, Field, RadioButtonGroup, TextArea } from '@grafana/ui';
import { useDraft } from '../useDraft';
import { checkPlaybook, type PlaybookCheck } from './playbook';

interface Props {
  uid: string;
  value: string | undefined;
  onChange: (text: string | undefined) => void;
  disabled?: boolean;
}

/** Which playbook describes the traced system. */
type Choice = 'ktrdr' | 'generic' | 'own';

const CHOICES: Array<{ value: Choice; label: string; description: string }> = [
  { value: 'ktrdr', label: 'KTRDR', description: 'The built-in playbook for KTRDR' },
  { value: 'generic', label: 'Any system', description: 'Every root request is an operation' },
  { value: 'own', label: 'Your own', description: 'A text that extends a built-in playbook or stands alone' },
];

function choiceOf(setting: string | undefined): Choice {
  const name = setting?.trim() ?? '';
  return name === '' || name === 'ktrdr' ? 'ktrdr' : name === 'generic' ? 'generic' : 'own';
}

/** A built-in playbook, or a text of your own. */
export function PlaybookField({ value, onChange, disabled, ...props }: Props) {
  const [chosen, setChosen] = useState<Choice>();
  const choice = chosen ?? choiceOf(value);
  const ownText = choiceOf(value) === 'own' ? value : undefined;
  // A look at another choice must not lose the text.
  const [keptText, setKeptText] = useState<string>();
  const choose = (next: Choice) => {
    setKeptText(ownText ?? keptText);
    setChosen(next);
    onChange({ ktrdr: undefined, generic: 'generic', own: ownText ?? keptText }[next]);
  };
  return (
    <>
      <Field
        label="Playbook"
        description="Describes the operations of the traced system: their states, errors and remedies."
        htmlFor="ktrdr-playbook-choice"
      >
        <RadioButtonGroup
          id="ktrdr-playbook-choice"
          options={CHOICES}
          value={choice}
          disabled={disabled}
          onChange={choose}
        />
      </Field>
      {choice === 'own' ? <PlaybookText value={ownText} onChange={onChange} disabled={disabled} {...props} /> : null}
    </>
  );
}

/** The text of a playbook, checked by the backend. */
function PlaybookText({ uid, value, onChange, disabled }: Props) {
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
        label="Playbook text"
        description={
          'TOML. Its rules replace or add those of the playbook for KTRDR; with extends = "generic", those of the playbook for any system. Checked when you leave the field and again by Save & test.'
        }
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
