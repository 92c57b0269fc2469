// A template service with the behaviour that the data source relies on.
import { type ScopedVars, type TypedVariableModel } from '@grafana/data';
import { type TemplateSrv } from '@grafana/runtime';

export type Values = Record<string, string | string[] | { all: string[] }>;

const REFERENCE = /\$(\w+)|\$\{(\w+)(?::\w+)?\}/g;

export function templates(values: Values = {}): TemplateSrv {
  const valueOf = (name: string, scoped: ScopedVars = {}): string | string[] | undefined => {
    const found = scoped[name]?.value ?? values[name];
    return found && typeof found === 'object' && 'all' in found ? found.all : found;
  };
  return {
    getVariables: () =>
      Object.entries(values).map(
        ([name, value]) =>
          ({
            name,
            current: { value: typeof value === 'object' && 'all' in value ? ['$__all'] : value },
          }) as unknown as TypedVariableModel
      ),
    replace: (text = '', scoped?: ScopedVars, format?: string | ((value: unknown) => string)) =>
      text.replace(REFERENCE, (whole, plain, braced) => {
        const value = valueOf(plain ?? braced, scoped);
        if (value === undefined) {
          return whole;
        }
        return typeof format === 'function' ? format(value) : [value].flat().join(',');
      }),
    containsTemplate: (text = '') => REFERENCE.test(text),
    updateTimeRange: () => {},
  } as TemplateSrv;
}
