import { useState } from 'react';

/** The text that is being typed; reset when the stored value changes from outside. */
export function useDraft(value: string | number | undefined): [string, (text: string) => void] {
  const kept = String(value ?? '');
  const [state, setState] = useState({ kept, draft: kept });
  const current = state.kept === kept ? state : { kept, draft: kept };
  return [current.draft, (draft) => setState({ kept, draft })];
}
