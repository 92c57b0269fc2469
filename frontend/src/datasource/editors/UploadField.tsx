import React, { useRef, useState } from 'react';
import { Button, Icon, LoadingPlaceholder, Stack, Text } from '@grafana/ui';
import { EditorField, EditorRow } from '@grafana/plugin-ui';
import { type UploadTarget } from '../editorDataSource';
import { messageOf } from '../errorMessage';
import { type KtrdrQuery } from '../query';
import { FieldBody } from './fields';

interface Props {
  datasource: UploadTarget;
  query: KtrdrQuery;
  onChange: (query: KtrdrQuery) => void;
  onRunQuery: () => void;
}

const MIB = 1024 * 1024;
const MAX_UPLOAD_MIB = 64;

/** A trace file from this computer: Jaeger's JSON or OTLP JSON. */
export function UploadField({ datasource, query, onChange, onRunQuery }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState<string>();
  const [problem, setProblem] = useState<string>();

  const upload = async (file: File | undefined) => {
    if (!file) {
      return;
    }
    const wrong = await problemWith(file);
    setProblem(wrong);
    if (wrong) {
      return;
    }
    setBusy(file.name);
    try {
      onChange({ ...query, upload: await datasource.upload(file), uploadName: file.name });
      onRunQuery();
    } catch (error) {
      setProblem(`${file.name} could not be uploaded: ${messageOf(error)}`);
    } finally {
      setBusy(undefined);
    }
  };

  return (
    <EditorRow>
      <EditorField
        label="Trace file"
        tooltip="Jaeger JSON (the UI's download or an API answer) or OTLP JSON, up to 64 MiB. The backend keeps it for an hour in memory."
        invalid={Boolean(problem)}
        error={problem}
      >
        <FieldBody>
          <div
            onDragOver={(event) => event.preventDefault()}
            onDrop={(event) => {
              event.preventDefault();
              void upload(event.dataTransfer.files[0]);
            }}
          >
            <Stack direction="row" alignItems="center" gap={1}>
              <Button icon="upload" variant="secondary" disabled={Boolean(busy)} onClick={() => input.current?.click()}>
                Choose or drop a file
              </Button>
              <input
                ref={input}
                type="file"
                hidden
                aria-label="Trace file"
                accept=".json,application/json"
                onChange={(event) => {
                  void upload(event.currentTarget.files?.[0]);
                  event.currentTarget.value = '';
                }}
              />
              {busy ? <LoadingPlaceholder text={`Uploading ${busy} …`} /> : null}
              {!busy && query.upload ? (
                <Text color="secondary">
                  <Icon name="check" /> {query.uploadName ?? query.upload}
                </Text>
              ) : null}
            </Stack>
          </div>
        </FieldBody>
      </EditorField>
    </EditorRow>
  );
}

async function problemWith(file: File): Promise<string | undefined> {
  if (file.size > MAX_UPLOAD_MIB * MIB) {
    return `${file.name} has ${Math.ceil(file.size / MIB)} MiB; at most ${MAX_UPLOAD_MIB} MiB can be uploaded. Diagnose it with ktrdr-diagnose file instead.`;
  }
  if (file.size === 0) {
    return `${file.name} is empty.`;
  }
  const start = (await file.slice(0, 64).text()).trimStart();
  return start.startsWith('{') || start.startsWith('[')
    ? undefined
    : `${file.name} is not JSON. Use “Download JSON” in Jaeger, or an OTLP JSON export.`;
}
