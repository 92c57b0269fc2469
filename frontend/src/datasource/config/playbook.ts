// Asks the backend to validate a playbook.
import { getBackendSrv } from '@grafana/runtime';
import { lastValueFrom } from 'rxjs';
import { messageOf } from '../errorMessage';

export interface PlaybookMessage {
  line?: number;
  message: string;
}

export interface PlaybookCheck {
  ok: boolean;
  messages: PlaybookMessage[];
}

interface Answer {
  ok?: boolean;
  messages?: Array<{ line?: number | null; message: string; severity?: string }>;
}

/** The backend's messages about the text, or our own message if the backend cannot be reached. */
export async function checkPlaybook(uid: string, text: string): Promise<PlaybookCheck> {
  try {
    const { data } = await lastValueFrom(
      getBackendSrv().fetch<Answer>({
        method: 'POST',
        url: `/api/datasources/uid/${uid}/resources/playbook`,
        data: { text },
        showErrorAlert: false,
      })
    );
    return read(data);
  } catch (error) {
    const refused = (error as { data?: Answer }).data;
    if (refused?.messages) {
      return { ...read(refused), ok: false };
    }
    return { ok: false, messages: [{ message: `The playbook could not be checked: ${messageOf(error)}` }] };
  }
}

function read(answer: Answer | null): PlaybookCheck {
  const messages = (answer?.messages ?? []).map(({ line, message }) => ({ line: line ?? undefined, message }));
  const wrong = (answer?.messages ?? []).some(({ severity }) => (severity ?? 'error') === 'error');
  return { ok: answer?.ok ?? !wrong, messages };
}
