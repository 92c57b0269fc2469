// Template variables and ad-hoc filters in every field of a query.
import { type AdHocVariableFilter, type ScopedVars, type TypedVariableModel } from '@grafana/data';
import { type TemplateSrv } from '@grafana/runtime';
import { formatTag } from '../shared/logfmt';
import { type Filters, type KtrdrQuery, type ListFilter, LISTS } from './query';

const WHOLE = /^(?:\$(\w+)|\$\{(\w+)(?:\.[^:}]+)?(?::[^}]+)?\}|\[\[(\w+)(?:\.[^:\]]+)?(?::[^\]]+)?\]\])$/;
const ALL = '$__all';
/** Common custom values of the option "All"; they mean "no filter". */
const EVERYTHING = new Set(['*', '.*', '.+', '$__all']);

/** Keys of ad-hoc filters that the backend filters as fields of the diagnosis. */
const FIELDS: Record<string, ListFilter> = {
  operation_type: 'types',
  status: 'statuses',
  verdict: 'verdicts',
  error_type: 'errorTypes',
  service: 'services',
};

/** An ad-hoc filter that a search of traces cannot express. */
export class UnsupportedFilter extends Error {}

export class Interpolator {
  constructor(
    private readonly templates: TemplateSrv,
    private readonly scoped: ScopedVars
  ) {}

  /** The query with all variables replaced. */
  query(query: KtrdrQuery, adHoc: AdHocVariableFilter[] = []): KtrdrQuery {
    const result: KtrdrQuery = { ...query };
    for (const field of ['operationId', 'query', 'upload'] as const) {
      if (query[field] !== undefined) {
        result[field] = this.text(query[field]).trim();
      }
    }
    if (query.limit !== undefined && query.limit !== '') {
      const limit = this.text(String(query.limit)).trim();
      result.limit = /^\d+$/.test(limit) ? Number(limit) : limit;
    } else {
      delete result.limit;
    }
    for (const field of ['views', 'groupBy'] as const) {
      if (query[field]) {
        Object.assign(result, { [field]: this.list(query[field]) });
      }
    }
    if (query.baseline) {
      result.baseline = { from: this.text(query.baseline.from).trim(), to: this.text(query.baseline.to).trim() };
    }
    if (query.measure) {
      result.measure = this.text(query.measure) as KtrdrQuery['measure'];
    }
    if (query.filters || adHoc.length > 0) {
      result.filters = withAdHoc(this.filters(query.filters ?? {}), adHoc);
    }
    return result;
  }

  private filters(filters: Filters): Filters {
    const result: Filters = { ...filters };
    for (const list of LISTS) {
      const values = this.list(filters[list] ?? []);
      if (values.length > 0) {
        result[list] = values;
      } else {
        delete result[list];
      }
    }
    for (const field of ['tags', 'minDuration', 'maxDuration'] as const) {
      const text = this.text(filters[field]).trim();
      if (text) {
        result[field] = text;
      } else {
        delete result[field];
      }
    }
    return result;
  }

  private text(text: string | undefined): string {
    return text ? this.templates.replace(text, this.scoped, 'csv') : '';
  }

  /** Every value of every variable; an empty list if one of them is set to "All". */
  private list(values: readonly string[]): string[] {
    const result: string[] = [];
    for (const value of values) {
      if (this.isAll(value)) {
        return [];
      }
      const several: string[] = [];
      const text = WHOLE.test(value)
        ? this.templates.replace(value, this.scoped, (found: unknown) => {
            several.push(...(Array.isArray(found) ? found : [found]).map(String));
            return '';
          })
        : this.templates.replace(value, this.scoped);
      result.push(...several, text);
    }
    const clean = [...new Set(result.map((v) => v.trim()).filter(Boolean))];
    return clean.some((v) => EVERYTHING.has(v)) ? [] : clean;
  }

  private isAll(value: string): boolean {
    const match = WHOLE.exec(value);
    const name = match?.[1] ?? match?.[2] ?? match?.[3];
    if (!name || this.scoped[name]) {
      return false;
    }
    const variable = this.templates.getVariables().find((v: TypedVariableModel) => v.name === name);
    const current: unknown =
      variable && 'current' in variable ? (variable.current as { value?: unknown })?.value : null;
    return current === ALL || (Array.isArray(current) && current.includes(ALL));
  }
}

function withAdHoc(filters: Filters, adHoc: AdHocVariableFilter[]): Filters {
  const result: Filters = { ...filters };
  const tags = filters.tags ? [filters.tags] : [];
  for (const { key, operator, value } of adHoc) {
    if (!key) {
      continue;
    }
    if (operator !== '=') {
      throw new UnsupportedFilter(
        `The filter “${key} ${operator} ${value}” cannot be searched for in traces: only = is supported. Change or remove it.`
      );
    }
    const list = FIELDS[key];
    if (list) {
      result[list] = [value];
    } else {
      tags.push(formatTag({ key, value }));
    }
  }
  if (tags.length > 0) {
    result.tags = tags.join(' ');
  }
  return result;
}
