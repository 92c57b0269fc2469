import { useCallback, useMemo, useRef, useState } from 'react';
import { type TimeRange } from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { type ComboboxOption } from '@grafana/ui';
import { type Suggestion, type SuggestionSource } from '../editorDataSource';
import { messageOf } from '../errorMessage';
import { type Filters } from '../query';

const MAX_SUGGESTIONS = 200;

export interface Suggestions {
  /** Options for a combobox: the dashboard's variables, then the names that contain the text. */
  load: (text: string) => Promise<Array<ComboboxOption<string>>>;
  /** Why there are none. */
  problem?: string;
}

/** Suggestions of the backend, requested when a field is opened and kept while the editor is shown. */
export function useSuggestions(
  datasource: SuggestionSource,
  what: Suggestion | readonly string[],
  range?: TimeRange,
  filters?: Filters
): Suggestions {
  const [problem, setProblem] = useState<string>();
  const from = range?.from.valueOf();
  const to = range?.to.valueOf();
  const wanted = JSON.stringify(filters);
  const scope = useMemo(
    () => ({ range, filters }),
    // The range is a new object on every rendering, so its ends are compared.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [from, to, wanted]
  );
  const known = useRef<{ scope: unknown; names: Promise<readonly string[]> }>(undefined);
  const load = useCallback(
    async (text: string) => {
      if (known.current?.scope !== scope) {
        const names = typeof what === 'string' ? datasource.suggest(what, scope) : Promise.resolve(what);
        known.current = { scope, names };
      }
      const variables = getTemplateSrv()
        .getVariables()
        .map((variable) => `$${variable.name}`);
      let names: readonly string[] = [];
      try {
        names = await known.current.names;
        setProblem(undefined);
      } catch (error) {
        known.current = undefined;
        setProblem(`No suggestions: ${messageOf(error)} You can still type a value.`);
      }
      const part = text.toLowerCase();
      return [...names, ...variables]
        .filter((name) => name.toLowerCase().includes(part))
        .slice(0, MAX_SUGGESTIONS)
        .map((value) => ({ value, label: value }));
    },
    [datasource, scope, what]
  );
  return { load, problem };
}
