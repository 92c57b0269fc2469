import { useState } from 'react';

/** What is being typed; starts anew when the kept value changes from outside. */
export function useDraft(value: string | number | undefined): [string, (text: string) => void] {
  const kept = String(value ?? '');
  const [state, setState] = useState({ kept, draft: kept });
  const current = state.kept === kept ? state : { kept, draft: kept };
  return [current.draft, (draft) => setState({ kept, draft })];
}
